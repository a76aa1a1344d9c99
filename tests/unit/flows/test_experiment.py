"""An experiment is known by what decides its results: not by where it lies, nor by how the work is organised."""

import pytest
from support import ROOT

from flows.experiment import Experiment, load_experiment

SAMPLE = load_experiment(ROOT / "experiments" / "sample.yaml")


def changed(section: str, **fields: object) -> Experiment:
    """The sample's experiment with other fields in one section."""
    content = SAMPLE.model_dump(mode="json")
    return Experiment(**{**content, "base": SAMPLE.base, section: {**content[section], **fields}})


@pytest.mark.parametrize(
    "fields", [{"checkpoint_seconds": 7.0}, {"cohort": 4}, {"keep_models": True}, {"chinchilla": 3.0}]
)
def test_how_proxies_are_organised_is_no_part_of_it(fields):
    assert changed("proxy", **fields).id == SAMPLE.id


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("proxy", {"tokens": 700_000}),
        ("proxy", {"init_from": "a.pt"}),
        ("proxy", {"device": "cuda"}),
        ("proxy", {"tied": False}),
        ("suite", {"items": 63}),
        ("swarm", {"mixes": 28}),
    ],
)
def test_what_decides_a_score_is(section, fields):
    assert changed(section, **fields).id != SAMPLE.id


def test_names_and_places_are_no_part_of_it():
    content = {**SAMPLE.model_dump(mode="json"), "base": SAMPLE.base, "name": "other", "work": "elsewhere"}
    assert Experiment(**{**content, "executor": {"kind": "ray"}}).id == SAMPLE.id
