"""The verdict in words, and the cautions beside it."""

import numpy as np
import pytest

from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.intervals import Gain
from mixes.certainty.local_fit import local_fits
from mixes.certainty.noise import Noise
from mixes.certainty.verdict import verdict_of, verdict_words
from mixes.laws.fit import TaskLaw
from mixes.laws.registry import LAWS
from mixes.optimum.holdings import Holdings
from mixes.recommendation.cautions import cautions_of, distance_to_hull
from mixes.recommendation.problem import Problem
from mixes.recommendation.question import Question
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs

DOMAINS = ("a", "b", "c")
ANYTHING = (np.zeros(3), np.ones(3))


def gain(value: float, low: float, high: float, chance: float = 0.5) -> Gain:
    return Gain(value, value, low, high, chance, 0.0)


@pytest.mark.parametrize(
    ("found", "noise", "said"),
    [
        (gain(0.1, 0.05, 0.15), 0.04, "better"),
        (gain(0.1, 0.05, 0.15), 0.2, "not_distinguishable"),  # two proxies would not show it
        (gain(0.1, -0.01, 0.2), 0.04, "not_distinguishable"),
        (gain(-0.1, -0.15, -0.05), 0.04, "worse"),
        (gain(-0.1, -0.15, -0.05), 0.2, "not_distinguishable"),
    ],
)
def test_verdicts_need_an_interval_and_a_size(found, noise, said):
    assert verdict_of(found, noise) == said


def test_the_verdict_words():
    gains = {
        "target": gain(0.1, 0.05, 0.15, 0.998),
        "code": gain(0.1, 0.05, 0.15, 0.98),
        "math": gain(0.1, 0.05, 0.15, 0.95),
        "knowledge": gain(0.0, -0.1, 0.1),
        "commonsense": gain(-0.1, -0.2, -0.05, 0.03),
        "reading": gain(-0.02, -0.03, -0.01, 0.01),
    }
    verdicts = {name: verdict_of(found, 0.04) for name, found in gains.items()}
    assert verdict_words(gains, verdicts) == (
        "This mix is predicted to be better than natural on the target (chance over 99 %, if the laws hold). By "
        "family it is better on code (chance 98 %) and math (chance 95 %), worse on commonsense (chance 97 %), "
        "worse by less than noise on reading, too close to tell on knowledge."
    )
    alone = {"target": verdicts["knowledge"]}
    assert verdict_words({"target": gains["knowledge"]}, alone, "uniform") == (
        "No mix within the limits is measurably better than uniform on the target: there is no reason to change what "
        "you have."
    )


def test_distance_to_the_hull():
    corners = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    assert distance_to_hull(np.array([0.4, 0.3, 0.3]), corners) == pytest.approx(0, abs=1e-9)
    assert distance_to_hull(np.array([0.8, 0.1, 0.1]), corners) == pytest.approx(0.3)


def cautions(
    best: tuple[float, ...],
    scores: np.ndarray | None = None,
    natural: tuple[float, ...] = (0.3, 0.3, 0.4),
    width: float = 0.01,
    bounds: tuple[np.ndarray, np.ndarray] = ANYTHING,
    noise: float = 0.01,
    name: str = "linear",
    count: int = 12,
    target: float = 1.0,
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Kind → text and names, for a swarm of `count` mixes around the centre; scores are linear unless given."""
    weights = np.random.default_rng(0).dirichlet(np.full(3, 10.0), size=count)
    if scores is None:
        scores = 2 - weights[:, 0] + 0.01 * np.random.default_rng(1).standard_normal(count)
    runs = Runs(
        tuple(
            Run(f"r{i:02d}", f"r{i:02d}", dict(zip(DOMAINS, w, strict=True)), {"t": y})
            for i, (w, y) in enumerate(zip(weights.tolist(), scores.tolist(), strict=True))
        )
    )
    kind = LAWS[name]
    law = TaskLaw("t", kind, DOMAINS, kind.fit(weights, scores[None], np.ones((1, count)))[0], 0, 0, {}, {})
    mix = np.array(best)
    ends = np.stack([mix - width, mix + width], axis=1)
    said = Noise({"t": noise, "target": noise}, {"t": noise, "target": noise}, "replicates", 3, paired=False)
    fitted = FittedSwarm(runs, {"t": law}, local_fits(runs, {"t": law}))
    limits = {"bounds": {name: (low, high) for name, low, high in zip(DOMAINS, *bounds, strict=True)}}
    question = Question(
        runs, {"t": "f"}, Holdings(dict(zip(DOMAINS, natural, strict=True))), RecommendSettings(limits=limits)
    )
    reference, aims = np.array(natural), {"target": {"t": target}, "t": {"t": 1.0}}
    problem = Problem(question, fitted, aims, {"f": {"t": 1.0}}, said, {}, reference, "natural", reference, 0.0, {})
    return {caution.kind: (caution.text, caution.names) for caution in cautions_of(problem, mix, ends)}


def test_nothing_to_say():
    assert cautions((0.37, 0.27, 0.36)) == {}


def test_outside_the_swarm_and_by_how_much():
    text, _ = cautions((0.9, 0.05, 0.05))["outside_swarm"]
    assert "% of its tokens away from the nearest blend" in text


def test_weights_on_bounds_are_named_but_not_those_that_nothing_holds():
    bounds = (np.array([0.0, 0.25, 0.0]), np.array([0.4, 1.0, 1.0]))
    assert cautions((0.4, 0.25, 0.35), bounds=bounds)["on_bound"][1] == ("a", "b")


def test_weights_that_may_be_natural():
    assert cautions((0.4, 0.28, 0.32), width=0.05)["spans_natural"][1] == ("b",)


def test_more_parameters_than_mixes():
    assert "few_runs" not in cautions((0.4, 0.25, 0.35), name="transfer", count=14)
    text, names = cautions((0.4, 0.25, 0.35), name="transfer", count=12)["few_runs"]
    assert "with 12 mixes, laws of up to 14 parameters" in text
    assert names == ("t",)


def test_laws_that_promise_too_much_below():
    """A bend that the linear law cannot follow: what it calls best is worse than it says."""
    weights = np.random.default_rng(0).dirichlet(np.full(3, 10.0), size=40)
    scores = 2 - weights[:, 0] + 20 * np.maximum(weights[:, 0] - 0.35, 0) ** 2
    text, _ = cautions((0.4, 0.25, 0.35), scores=scores, count=40)["optimism"]
    assert "bpb worse than predicted" in text


def test_tasks_that_no_mix_moves():
    assert cautions((0.4, 0.25, 0.35), noise=1.0)["unclear_tasks"][1] == ("t",)


def test_families_that_are_left_with_no_task():
    text, names = cautions((0.4, 0.25, 0.35), noise=1.0)["unclear_families"]
    assert names == ("f",)
    assert "the target still counts f" in text
    assert "the target leaves it out" in cautions((0.4, 0.25, 0.35), noise=1.0, target=0.0)["unclear_families"][0]
    assert "unclear_families" not in cautions((0.4, 0.25, 0.35), noise=0.01)
