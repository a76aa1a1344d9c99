"""The optimum against a fine grid, within caps, and pulled to natural."""

import itertools

import numpy as np
import pytest

from mixes.budget import epoch_caps, parse_tokens
from mixes.errors import MixError
from mixes.fit import TaskLaw
from mixes.laws.registry import LAWS
from mixes.optimise import best_mix, nearby_best_mix

STEP = 0.005
GRID = np.array(
    [(a, b, 1 - a - b) for a, b in itertools.product(np.arange(0, 1 + STEP / 2, STEP), repeat=2) if a + b <= 1 + 1e-9]
)


def laws() -> dict[str, TaskLaw]:
    """A log-linear and a transfer law on three domains that want different mixes."""
    rng = np.random.default_rng(0)
    seen = rng.dirichlet(np.ones(3), size=40)
    truths = {
        "log_linear": 1 + np.exp(seen @ np.array([0.5, -1.0, 0.2])),
        "transfer": 1 + (0.1 + seen**0.5 @ np.array([1.0, 0.1, 0.6])) ** -0.7,
    }
    return {
        name: TaskLaw(
            name, LAWS[name], ("a", "b", "c"), LAWS[name].fit(seen, y[None], np.ones((1, 40)))[0], 0, 0, {}, {}
        )
        for name, y in truths.items()
    }


def grid_best(found: dict[str, TaskLaw], tasks: dict[str, float], caps: np.ndarray) -> float:
    inside = GRID[(caps + 1e-9 >= GRID).all(axis=1)]
    return float(sum(v * found[t].predict(np.maximum(inside, 0)) for t, v in tasks.items()).min())


@pytest.mark.parametrize("caps", [(1, 1, 1), (1, 0.3, 0.4)])
@pytest.mark.parametrize("tasks", [{"log_linear": 1.0}, {"transfer": 1.0}, {"log_linear": 0.5, "transfer": 0.5}])
def test_exact_optimum_is_the_grids(tasks, caps):
    found, caps = laws(), np.array(caps, dtype=float)
    mix = best_mix(found, tasks, np.full(3, 1 / 3), caps, pull=0.0)
    assert mix.sum() == pytest.approx(1)
    assert (mix >= 0).all()
    assert (mix <= caps + 1e-9).all()
    value = float(sum(v * found[t].predict(mix[None])[0] for t, v in tasks.items()))
    best = grid_best(found, tasks, caps)
    assert best - 1e-3 < value <= best + 1e-6


def test_the_cheap_search_finds_the_exact_optimum():
    found, caps, natural = laws(), np.array([1, 0.3, 0.4]), np.array([0.5, 0.2, 0.3])
    exact = best_mix(found, {"log_linear": 0.4, "transfer": 0.6}, natural, caps, 0.01)
    near = nearby_best_mix(
        [law.kind for law in found.values()], [law.parameters[None] for law in found.values()],
        [0.4, 0.6], natural, caps, 0.01, natural,
    )  # fmt: skip
    np.testing.assert_allclose(near, exact, atol=5e-3)


def test_a_strong_pull_ends_at_natural():
    natural = np.array([0.5, 0.2, 0.3])
    np.testing.assert_allclose(best_mix(laws(), {"transfer": 1.0}, natural, np.ones(3), 1e4), natural, atol=1e-3)


def test_epoch_caps():
    assert epoch_caps({"a": 10, "b": 90}, budget=100, max_epochs=2) == {"a": 0.2, "b": 1.0}
    with pytest.raises(MixError, match=r"300 are missing; lower --budget to 200 or raise --max-epochs to 5"):
        epoch_caps({"a": 10, "b": 90}, budget=500, max_epochs=2)


@pytest.mark.parametrize(
    ("text", "tokens"), [("6T", 6 * 10**12), ("300b", 3 * 10**11), ("1.5M", 1_500_000), ("1_000", 1000)]
)
def test_budgets(text, tokens):
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize("text", ["", "6X", "-3B", "0", "many"])
def test_a_budget_that_is_none(text):
    with pytest.raises(MixError, match="not a number of tokens"):
        parse_tokens(text)
