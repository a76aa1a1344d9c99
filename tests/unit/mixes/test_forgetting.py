"""Midtraining: what the swarm's proxies started from is scored itself, and what a mix forgets is counted from there."""

import io
from dataclasses import replace

import numpy as np
import pytest
from planted_swarm import FAMILIES, NATURAL, swarm
from rich.console import Console

from mixes.errors import MixError
from mixes.laws.registry import LAWS
from mixes.optimum.from_settings import limits_of
from mixes.optimum.holdings import Holdings
from mixes.optimum.objective import Objective, Part
from mixes.optimum.settings import LimitSettings
from mixes.proxy.settings import ProxySettings
from mixes.proxy.train import rate
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.show.recommendation import Shown, print_recommendation, recommendation_markdown

OWN = {"humaneval": 2.6, "mbpp": 3.2, "sciq": 2.5}  # the planted checkpoint's scores


def test_a_saved_proxy_is_annealed_unless_the_experiment_says_otherwise():
    fresh, begun = ProxySettings(), ProxySettings(init_from="a.pt")
    assert (fresh.learning_rate, fresh.decay) == (1.6e-2, 0.4)
    assert (begun.learning_rate, begun.decay) == (4e-3, 1.0)
    said = ProxySettings(init_from="a.pt", learning_rate=1e-2, decay=0.2)
    assert (said.learning_rate, said.decay) == (1e-2, 0.2)
    shares = [rate(step, begun) for step in range(begun.steps)]
    peak = shares.index(max(shares))
    assert peak <= begun.warmup * begun.steps + 1
    np.testing.assert_allclose(np.diff(shares[peak:]), -1 / begun.steps, atol=1e-9)  # down to zero on one line
    assert shares[-1] == pytest.approx(1 / begun.steps)


def ask(checkpoint: dict[str, float] | None = None, noise: float = 0.01, **settings) -> Recommendation:
    """A target of code over the planted swarm, where books help knowledge and code helps code."""
    chosen = RecommendSettings(replicates=20, target={"code": 1.0}, max_epochs=100.0, **settings)
    holdings = Holdings(NATURAL, {name: share * 1e6 for name, share in NATURAL.items()})
    return recommend(Question(swarm(1.0, noise), FAMILIES, holdings, chosen, checkpoint=checkpoint))


@pytest.fixture(scope="module")
def free() -> Recommendation:
    return ask(OWN)


def test_what_is_forgotten_is_counted_from_the_checkpoint(free):
    own = {"humaneval": 2.6, "mbpp": 3.2, "sciq": 2.5, "code": 2.9, "knowledge": 2.5, "target": 2.9}  # by hand
    assert {name: row.checkpoint for name, row in free.forgotten.items()} == pytest.approx(own)
    for name, row in free.forgotten.items():
        there = free.predicted[name]
        assert row.value == pytest.approx(there.mix - own[name])
        assert row.low == pytest.approx(there.mix_low - own[name])
        assert row.high == pytest.approx(there.mix_high - own[name])
        assert row.floor is None
    truth = {"humaneval": 3 - 1 - 2.6, "mbpp": 4 - 1 - 3.2, "sciq": 3 - 2.5}  # all weight on code
    assert {task: free.forgotten[task].value for task in truth} == pytest.approx(truth, abs=0.15)
    assert free.forgotten["sciq"].low > 0 > free.forgotten["humaneval"].high


def test_a_target_over_families_counts_each_family_as_the_target_does():
    found = ask_mean(OWN)
    assert found.forgotten["target"].checkpoint == pytest.approx((2.9 + 2.5) / 2)
    assert found.forgotten["target"].value == pytest.approx(found.predicted["target"].mix - 2.7)


def ask_mean(checkpoint: dict[str, float]) -> Recommendation:
    holdings = Holdings(NATURAL)
    settings = RecommendSettings(replicates=20)
    return recommend(Question(swarm(1.0, 0.01), FAMILIES, holdings, settings, checkpoint=checkpoint))


@pytest.mark.parametrize("noise", [0.01, 0.06])
def test_a_floor_holds_for_what_is_predicted_and_binds(free, noise):
    kept = ask(OWN, noise, limits={"keep": {"knowledge": 0.05}})
    row = kept.forgotten["knowledge"]
    assert row.floor == 0.05
    assert free.forgotten["knowledge"].value > 0.3
    assert kept.predicted["knowledge"].mix <= 2.5 + 0.05 + 1e-4
    optimism = max(0.0, kept.predicted["knowledge"].optimism)
    by_the_laws = kept.predicted["knowledge"].mix - kept.predicted["knowledge"].optimism
    assert by_the_laws == pytest.approx(2.55 - optimism, abs=1e-4)  # no more is given up than that
    name, price = next(item for item in kept.binding.items() if item[0].startswith("keep"))
    assert "2.5 of the checkpoint +0.05" in name
    assert price > 0
    assert kept.mix["books"] > free.mix["books"] + 0.1


def test_a_floor_that_costs_nothing_changes_nothing(free):
    loose = ask(OWN, limits={"keep": {"knowledge": 5.0}})
    assert loose.mix == pytest.approx(free.mix, abs=1e-6)


def test_without_a_checkpoint_a_floor_is_counted_from_natural():
    found = ask(limits={"keep": {"knowledge": 0.1}})
    lost = found.predicted["knowledge"]
    assert lost.mix - lost.optimism - lost.natural == pytest.approx(0.1, abs=1e-4)
    assert found.forgotten == {}
    name = next(name for name in found.binding if name.startswith("keep"))
    assert f"({lost.natural:.4g} of natural +0.1)" in name


def test_what_a_floor_is_counted_from_is_said():
    linear = Objective((Part(LAWS["linear"], np.array([[1.0, 2.0]]), np.ones(1)),), np.array([0.5, 0.5]))
    settings = LimitSettings(keep={"code": 0.3})

    def name(settings=settings, **more) -> str:
        return limits_of(settings, ("a", "b"), linear.anchor, {"code": linear}, **more).ceilings[0].name

    assert name() == "keep: code ≤ 1.8 bpb (1.5 of natural +0.3)"
    assert name(called="the swarm's centre") == "keep: code ≤ 1.8 bpb (1.5 of the swarm's centre +0.3)"
    near = LimitSettings(keep={"code": 0.3}, near={"a": 0.5, "b": 0.5})
    assert name(near) == "keep: code ≤ 1.8 bpb (1.5 of the mix of `near` +0.3)"
    assert name(checkpoint={"code": 1.2}) == "keep: code ≤ 1.5 bpb (1.2 of the checkpoint +0.3)"
    lowered = "keep: code ≤ 1.4 bpb (1.2 of the checkpoint +0.3, the laws' optimism of 0.1 taken off)"
    assert name(checkpoint={"code": 1.2}, optimism={"code": 0.1}) == lowered


def test_a_floor_that_no_mix_keeps_is_one_line_with_the_least_that_is_possible():
    """Two laws, against a fine grid of mixes."""
    domains, even = ("a", "b", "c"), np.full(3, 1 / 3)
    kind = LAWS["log_linear"]
    curve = Objective((Part(kind, np.array([[1.0, 0.2, 0.5, 0.4, -0.8, 0.3]]), np.ones(1)),), even)
    linear = Objective((Part(LAWS["linear"], np.array([[1.0, 2.0, 3.0]]), np.ones(1)),), even)
    grid = np.array([(i, j, 200 - i - j) for i in range(201) for j in range(201 - i)]) / 200
    for aim, bounds in ((linear, {}), (curve, {}), (linear, {"a": [None, 0.25]}), (curve, {"b": [0.1, 0.3]})):
        settings = LimitSettings(keep={"code": 0.02}, bounds=bounds)
        allowed = grid
        for name, (low, high) in bounds.items():
            column = grid[:, domains.index(name)]
            allowed = allowed[(column >= (low or 0)) & (column <= high)]
        least = float(aim.value(allowed).min())
        with pytest.raises(MixError) as error:
            limits_of(settings, domains, even, {"code": aim}, checkpoint={"code": least - 0.1})
        line = str(error.value)
        assert "\n" not in line
        assert f"{least - 0.1:.4g} of the checkpoint +0.02" in line
        assert float(line.partition("least possible")[0].split()[-3].strip("(")) == pytest.approx(least, abs=2e-3)
        assert ("bounds:" in line) == bool(bounds)


def test_scores_of_other_tasks_are_refused():
    with pytest.raises(MixError, match="checkpoint's scores: 'sciq' is missing"):
        ask({"humaneval": 2.6, "mbpp": 3.2})
    with pytest.raises(MixError, match="checkpoint's scores: 'drop' is unknown"):
        ask({**OWN, "drop": 1.0})


def printed(found: Recommendation) -> str:
    shown = io.StringIO()
    print_recommendation(found, Console(width=120, file=shown), Shown())
    return shown.getvalue()


def test_what_is_printed(free):
    text = printed(free)
    assert "Against the checkpoint" in text
    row = free.forgotten["knowledge"]
    line = next(line for line in text.splitlines() if line.split()[:2] == ["knowledge", "2.500"])
    assert f"{row.value:+.3f}" in line
    assert f"{row.low:+.3f} – {row.high:+.3f}" in line
    assert (
        f"forgotten (whole 90 % interval above 0): 1 of 3 tasks, sciq {free.forgotten['sciq'].value:+.3f} bpb" in text
    )
    assert "| family | checkpoint | recommended | forgotten | 90 % interval |" in recommendation_markdown(free)
    assert "keep" not in text
    floors = {name: replace(row, floor=0.6) for name, row in free.forgotten.items()}
    assert "≤ +0.600" in printed(replace(free, forgotten=floors))
    without = printed(replace(free, forgotten={}))
    assert "checkpoint" not in without
    assert "forgotten" not in without
    assert "checkpoint" not in recommendation_markdown(replace(free, forgotten={}))
