"""The recommendation so far, on the records of a real swarm while some of its proxies are still to be trained."""

import time

import pytest

from flows.candidates import draw_first
from flows.experiment import load_experiment
from flows.settings.repetition import kept_sequences
from flows.so_far import Watch, recommendation_so_far, shown_so_far
from pipeline.stages.graph import finished_pool
from pipeline.train.setup import Evidence
from pipeline.train.swarm import training_order


@pytest.fixture
def swarm(tiny, finished):
    """The experiment, what its proxies share, and its candidates."""
    experiment = load_experiment(tiny / "experiment.yaml")
    pool = finished_pool(experiment.corpus)
    suite = next(experiment.corpus.stages.root.glob("suite-*"))
    evidence = Evidence(pool, suite, experiment.proxy, kept_sequences(experiment, pool, experiment.proxy))
    candidates = draw_first(experiment, experiment.corpus.stages, evidence)
    return experiment, evidence, candidates


@pytest.fixture
def untrained(swarm):
    """Takes away the records of candidates; they are put back."""
    experiment, evidence, _ = swarm
    moved = []

    def take(candidates) -> None:
        for candidate in candidates:
            at = experiment.records / "runs" / f"{evidence.run_id(candidate)}.parquet"
            moved.append((at.rename(at.with_suffix(".aside")), at))

    yield take
    for aside, at in moved:
        aside.rename(at)


def test_natural_and_mixes_with_several_seeds_are_trained_first(swarm):
    _, evidence, candidates = swarm
    runs = {evidence.run_id(candidate): candidate for candidate in candidates}
    order = [(runs[run].mix, runs[run].seed) for run in training_order(runs)]
    replicated = ["natural", "uniform", "mix-001"]
    assert order[:6] == [(mix, seed) for seed in (0, 1) for mix in replicated]
    assert order[6:] == [(f"mix-{number:03d}", 0) for number in range(2, 11)]


def test_on_all_scores_it_is_the_recommendation(swarm, finished):
    recommendation = recommendation_so_far(*swarm)
    assert recommendation.mix == finished["mix"]
    assert recommendation.intervals == {name: tuple(ends) for name, ends in finished["intervals"].items()}
    assert recommendation.verdict == finished["verdict"]


def test_twelve_mixes_are_shown_while_the_rest_trains(swarm, untrained, capsys):
    experiment, evidence, candidates = swarm
    untrained(candidates[12:])  # second seeds
    before = sorted(experiment.folder.rglob("*"))
    reports = []
    with shown_so_far(experiment, evidence, candidates, lambda *counts: reports.append(counts)) as report:
        report(12, 15)
        shown, deadline = "", time.monotonic() + 120
        while shown.count("so far  ") < 2 and time.monotonic() < deadline:
            shown += capsys.readouterr().err
            time.sleep(0.05)
    assert reports == [(12, 15)]
    assert "so far       12 of 12 mixes scored; best so far, with 90 % intervals: " in shown
    assert "so far       predicted gain over natural on the target: " in shown
    assert sorted(experiment.folder.rglob("*")) == before  # nothing of it is kept


@pytest.mark.parametrize("missing", [slice(11, None), slice(0, 0)])
def test_too_few_mixes_or_all_trained_show_nothing(swarm, untrained, capsys, missing):
    untrained(swarm[2][missing])
    Watch(*swarm).look()
    assert not capsys.readouterr().err


def test_without_natural_nothing_is_shown(swarm, untrained, capsys, monkeypatch):
    monkeypatch.setattr("flows.so_far.FIRST", 11)
    untrained(candidate for candidate in swarm[2] if candidate.mix == "natural")
    Watch(*swarm).look()
    assert not capsys.readouterr().err


def test_scores_that_cannot_be_read_show_nothing(swarm, untrained, capsys):
    experiment, evidence, candidates = swarm
    untrained(candidates[12:])
    scores = experiment.records / "scores" / f"{evidence.run_id(candidates[3])}.parquet"
    content = scores.read_bytes()
    scores.write_bytes(content[:100])
    Watch(*swarm).look()
    scores.write_bytes(content)
    assert not capsys.readouterr().err
