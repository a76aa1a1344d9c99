"""Names from data in markdown: shown as they are written, in their own cell, without links, images or HTML."""

import re

import pytest
from swarm_tables import swarm_frames

import mixes
from mixes.show.markdown import escaped, markdown_table
from mixes.show.recommendation import recommendation_markdown

HOSTILE = "a|b_c*<script>![x](https://e.example)`\n# www.e.example"


def unescaped(text: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def test_a_name_is_shown_as_it_is():
    assert escaped("web/technology 12.5 % (+0.160 bpb, >99%)") == "web/technology 12.5 % (+0.160 bpb, \\>99%)"
    assert unescaped(escaped(HOSTILE)) == HOSTILE.replace("\n", "\\n")
    assert not re.search(r"(?<!\\)[|<`*!\[\]_]", escaped(HOSTILE))
    assert "://" not in escaped(HOSTILE)
    assert "www." not in escaped(HOSTILE)


def test_a_table_keeps_its_columns():
    head, rule, row = markdown_table([["family", "gain"], [HOSTILE, "1"]]).splitlines()
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in (head, rule, row)} == {3}


@pytest.fixture(scope="module")
def recommendation():
    """Of a swarm with a hostile domain and a hostile task."""
    ratios, metrics = swarm_frames()
    swarm = mixes.read_swarm(ratios.rename({"arxiv": HOSTILE}), metrics.rename({"arc_bpb": f"{HOSTILE}_bpb"}))
    return mixes.recommend(swarm, replicates=20)


def test_a_recommendation(recommendation):
    text = recommendation_markdown(recommendation)
    assert escaped(HOSTILE) in text
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)!\[", text)
    title, _, verdict = text.splitlines()[:3]
    assert title == f"# {recommendation.id}"
    assert unescaped(verdict) == recommendation.summary.replace("\n", "\\n")
