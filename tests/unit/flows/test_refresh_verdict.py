"""A domain whose text became good for the target: the mix should change, and by how much; one that did not: keep it."""

from dataclasses import replace

import numpy as np
import pytest
from planted_swarm import FAMILIES, NATURAL
from support import ROOT

from flows.experiment import load_experiment
from flows.refresh import told
from flows.refresh.judge import judged
from flows.refresh.told import CHANGED, FILE, RESOURCE, tell_of_change
from flows.show.refresh import tables_of_refresh
from mixes.certainty.fitted import fit_swarm
from mixes.optimum.holdings import Holdings
from mixes.recommendation.optima import imagined
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.refreshed import Moved, Refreshed
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs
from mixes.target import OVERALL

DOMAINS = tuple(NATURAL)
NOISE = 0.01


def truth(help_of_web: float, mix: dict[str, float]) -> dict[str, float]:
    """bpb by task, by how much web text helps all of them."""
    web = help_of_web * mix["web"] ** 0.5
    code, books = 0.4 * mix["code"] ** 0.5, 0.4 * mix["books"] ** 0.5
    return {"humaneval": 3 - code - web, "mbpp": 4 - code - web, "sciq": 3 - books - web}


def target(help_of_web: float, mix: dict[str, float]) -> float:
    """The mean over families."""
    scores = truth(help_of_web, mix)
    return (scores["humaneval"] + scores["mbpp"]) / 4 + scores["sciq"] / 2


def question(help_of_web: float, far: float = NOISE) -> Question:
    """24 mixes and four seeds of natural, with the scores that the truth and its noise give; far: the noise where one
    domain is all."""
    rng = np.random.default_rng(5)
    mixes = [("natural", NATURAL)] * 4
    mixes += [(f"m{i}", dict(zip(DOMAINS, mix, strict=True))) for i, mix in enumerate(rng.dirichlet(np.ones(3), 24))]
    runs = []
    for i, (name, mix) in enumerate(mixes):
        noise = NOISE * (far / NOISE) ** (1.5 * max(mix.values()) - 0.5)
        scores = {task: y + rng.normal(scale=noise) for task, y in truth(help_of_web, mix).items()}
        runs.append(Run(f"r{i}", name, mix, scores))
    available = {name: share * 1e6 for name, share in NATURAL.items()}
    settings = RecommendSettings(replicates=40, max_epochs=1000)
    return Question(Runs(tuple(runs)), FAMILIES, Holdings(NATURAL, available), settings)


@pytest.fixture(scope="module")
def standing() -> dict[str, float]:
    """What was recommended while web text helped nothing."""
    mix = dict(recommend(question(0.0)).mix)
    assert mix["web"] < 0.1
    return mix


def judge(help_of_web: float, standing: dict[str, float], far: float = NOISE) -> Refreshed:
    """The verdict by proxies that were trained after web text had become this helpful."""
    kept = Refreshed(
        "unchanged", "recommendation-a", "recommendation-a", "", "pool-a", "pool-b",
        (Moved("web", "changed", 700_000, 700_000, 0.9),),
    )  # fmt: skip
    asked = question(help_of_web, far)
    fitted = fit_swarm(asked.runs)
    worlds = imagined(fitted, 40, seed=0)
    found = recommend(asked, fitted, lambda _: worlds)
    return judged(asked, standing, fitted, worlds, found, replace(kept, mix_before=standing, mix=found.mix), "web")


def test_a_domain_that_became_good_changes_the_mix(standing):
    done = judge(1.0, standing)
    assert (done.verdict, done.before) == ("change", "recommendation-a")
    assert done.standing == done.recommendation != done.before
    gain = done.advantage
    assert gain is not None
    really = target(1.0, standing) - target(1.0, dict(done.mix))
    assert really > 10 * gain.noise
    assert gain.low < really < gain.high
    assert gain.value > 10 * gain.noise
    assert gain.chance > 0.98  # all of 40 worlds
    assert done.mix["web"] > 0.4 > standing["web"]
    assert f"{gain.value:+.3f} bpb on the target ({gain.low:+.3f} to {gain.high:+.3f})" in done.reason
    title, rows = tables_of_refresh(done)[-1]
    assert (title, rows[1][0]) == ("The mix", "web")


def test_its_event_says_so(standing, monkeypatch):
    """What would go to a server: nothing answers here."""
    sent: list[tuple] = []
    monkeypatch.setattr(told, "tell", lambda *words: sent.append(words))
    done = judge(1.0, standing)
    file = ROOT / "experiments" / "sample.yaml"
    tell_of_change(load_experiment(file), done)
    ((event, resource, payload, labels),) = sent
    assert (event, resource) == (CHANGED, f"{RESOURCE}sample")
    assert labels == {FILE: str(file)}
    assert payload == {
        "experiment": "sample", "file": str(file), "verdict": "change", "before": "recommendation-a",
        "now": done.recommendation, "reason": done.reason,
        "text": f"sample: change the mix from recommendation-a to {done.recommendation}. {done.reason}",
    }  # fmt: skip


@pytest.mark.parametrize("help_of_web", [0.0, 0.02])
def test_a_domain_that_helps_no_more_than_before_keeps_it(standing, help_of_web):
    done = judge(help_of_web, standing)
    assert (done.verdict, done.standing) == ("keep", "recommendation-a")
    assert done.recommendation != "recommendation-a"
    gain = done.advantage
    assert gain is not None
    assert gain.low <= 0 or gain.value <= gain.noise
    really = target(help_of_web, standing) - target(help_of_web, dict(done.mix))
    assert really < gain.noise
    assert "not measurably better" in done.reason
    assert OVERALL not in done.mix


def test_its_sentence_quotes_the_noise_that_the_verdict_goes_by():
    """The standing mix is nearly one domain, where proxies scatter far more than near natural."""
    done = judge(0.1, {"books": 0.9, "code": 0.02, "web": 0.08}, far=0.3)
    gain = done.advantage
    assert gain is not None
    assert done.verdict == "keep"
    assert 0 < gain.low < gain.value < gain.noise  # noise alone keeps it …
    assert f"two proxies of equally good mixes differ by {gain.noise:.3f}" in done.reason
    of_recommendation = recommend(question(0.1, far=0.3)).predicted[OVERALL].noise
    assert gain.value > of_recommendation  # … and by that of a difference from natural it would change
