"""Setting up a rank's log asks Python once where its libraries lie."""

import sysconfig

from loguru import logger

from pipeline.executor.failure import attempt
from pipeline.executor.work import nameless


def test_later_ranks_do_not_ask_again(tmp_path, monkeypatch):
    asked, get_path = [], sysconfig.get_path
    monkeypatch.setattr(sysconfig, "get_path", lambda *about: asked.append(about) or get_path(*about))

    def add_and_remove() -> None:
        logger.remove(logger.add(tmp_path / "log"))

    assert attempt(add_and_remove, tmp_path, 0, nameless) is None
    asked.clear()
    assert attempt(add_and_remove, tmp_path, 1, nameless) is None
    assert not asked
