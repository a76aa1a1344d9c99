"""`--out` replaces only what it wrote, and an option that is given twice is a mistake."""

import pytest
import yaml
from support import mixwright, only_line

pytestmark = pytest.mark.cli


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "EXP.yaml").write_text(yaml.safe_dump({"sources": {"a": {"path": "a/*.jsonl", "format": "jsonl"}}}))
    return tmp_path


def test_the_experiment_file_is_never_the_mix(folder):
    before = (folder / "EXP.yaml").read_bytes()
    done = mixwright("recommend", "EXP.yaml", "--out", "./EXP.yaml", folder=folder, expect=2)
    assert "is the experiment file" in only_line(done)
    assert (folder / "EXP.yaml").read_bytes() == before


@pytest.mark.parametrize("content", ["a: 1\n", "", "id: x\nmix: {}\nmore: 1\n", "- 1\n", ": :\n"])
def test_another_file_is_not_replaced(folder, content):
    (folder / "notes.yaml").write_text(content)
    done = mixwright("recommend", "EXP.yaml", "--out", "notes.yaml", folder=folder, expect=2)
    assert "is no mix written by --out" in only_line(done)
    assert (folder / "notes.yaml").read_text() == content


@pytest.mark.parametrize(
    "words", [("--target", "code=0.7", "--target", "code=0.3"), ("--bound", "a=0.1", "--bound", "a=:0.5")]
)
def test_an_option_that_names_a_thing_twice(folder, words):
    done = mixwright("recommend", "EXP.yaml", *words, folder=folder, expect=2)
    assert "is given twice — give it once" in only_line(done)
