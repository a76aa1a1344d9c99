"""How far a stage is, in words, and who hears the lines of the terminal."""

import pytest

from flows.show import progress
from flows.show.progress import note, progress_words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ((0, 40, 0, 5.0), "0 of 40 ranks"),
        ((12, 40, 12, 120.0), "12 of 40 ranks, 6 a minute, about 5 min left"),
        ((30, 40, 10, 20.0), "30 of 40 ranks, 30 a minute, about 20 s left"),
        ((1, 1000, 1, 60.0), "1 of 1000 ranks, 1 a minute, about 16.6 h left"),
        ((40, 40, 40, 99.0), "40 of 40 ranks"),
    ],
)
def test_words(state, words):
    assert progress_words(*state) == words


def test_lines_reach_whoever_listens(monkeypatch, capsys):
    heard = []
    monkeypatch.setattr(progress, "listeners", [heard.append])
    note("filter", "done")
    assert heard == ["filter       done"]
    assert capsys.readouterr().err == "filter       done\n"
