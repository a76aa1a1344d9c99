"""Every question of docs/catalog.md is answered by a real catalog, and the page shows an answer of the same columns."""

import json
import sys

import pytest
from support import ROOT, here

sys.path.insert(0, str(ROOT / "docs"))

from catalog_page import ANSWERS
from catalog_questions import QUESTIONS

ANSWERED = json.loads(ANSWERS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def names(finished):
    """What names in braces stand for here."""
    return {"domain": "encyclopedia", "bucket": "0", "family": "code", "a": finished["id"], "b": finished["id"]}


def test_every_question_has_an_answer():
    assert list(ANSWERED) == [question.title for question in QUESTIONS]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_question(tiny, names, question):
    done = here("sql", "experiment.yaml", question.asked(names), folder=tiny)
    assert not done.returncode, done.stderr
    shown, kept = (text.splitlines()[1].split("┆") for text in (done.stdout, ANSWERED[question.title]))
    if not question.query.startswith("pivot"):  # its columns are data
        assert [name.strip(" │") for name in shown] == [name.strip(" │") for name in kept]


def test_when_and_what_was_asked_are_recorded(tiny, finished):
    (row,) = json.loads(here("sql", "experiment.yaml", "from recommendations", "--json", folder=tiny).stdout)
    assert row["recommendation"] == finished["id"]
    assert row["current"]
    assert row["made_at"].startswith("20")
    assert json.loads(row["settings"])["recommend"]["replicates"] == 20
    assert json.loads(row["evidence"]) == finished["evidence"]
    counted = [family for family, tasks in finished["families"].items() if tasks.keys() & finished["target"].keys()]
    assert all(f"{round(100 / len(counted))} % {family}" in row["target_text"] for family in counted)


def test_the_mixes_beside_the_recommended_one_are_there(tiny, finished):
    rows = json.loads(here("sql", "experiment.yaml", "from compared_mixes", "--json", folder=tiny).stdout)
    assert {row["recommendation"] for row in rows} == {finished["id"]}
    assert {(row["mix"], row["kind"]) for row in rows} == {(row["name"], row["kind"]) for row in finished["beside"]}
    assert "uniform" in {row["mix"] for row in rows}


def test_everything_has_a_comment(tiny, finished):
    for kind in ("tables", "views", "columns", "functions"):
        bare = f"select 1 from duckdb_{kind}() where not internal and comment is null"
        assert here("sql", "experiment.yaml", bare, "--json", folder=tiny).stdout == "[]\n"
