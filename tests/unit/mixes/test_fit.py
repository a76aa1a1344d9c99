"""The law is chosen honestly, and names, order and units are nobody's business."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixes.errors import MixError
from mixes.laws.fit import FOLDS, fit_laws, folds_of, laws_for
from mixes.laws.registry import LAWS
from mixes.runs import Run, Runs

DOMAINS = ("a", "b", "c", "d", "e")
CONVEX = [name for name, law in LAWS.items() if law.convex]


def mixes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(len(DOMAINS), 0.7), size=count)


def transfer(w: np.ndarray) -> np.ndarray:
    return 1.0 + (0.2 + w**0.5 @ np.array([2.0, 0.5, 0.01, 1.0, 0.1])) ** -0.8


def linear(w: np.ndarray) -> np.ndarray:
    return w @ np.array([3.0, 2.5, 2.8, 2.0, 3.3])


def swarm(count: int = 30, noise: float = 0.01, order: np.random.Generator | None = None) -> Runs:
    drawn = np.random.default_rng(5).normal(scale=noise, size=(2, count))
    weights = mixes(count)
    scores = {"curved": transfer(weights) + drawn[0], "straight": linear(weights) + drawn[1]}
    runs = []
    for i, mix in enumerate(weights):
        pairs, mine = list(zip(DOMAINS, mix.tolist(), strict=True)), [(t, float(y[i])) for t, y in scores.items()]
        if order is not None:
            order.shuffle(pairs)
            order.shuffle(mine)
        runs.append(Run(f"r{i:02d}", f"m{i:02d}", dict(pairs), dict(mine)))
    if order is not None:
        order.shuffle(runs)
    return Runs(tuple(runs))


def test_shuffled_rows_and_columns_give_the_same_laws():
    straight, shuffled = fit_laws(swarm()), fit_laws(swarm(order=np.random.default_rng(1)))
    for task in straight:
        assert straight[task].kind.name == shuffled[task].kind.name
        assert straight[task].error == shuffled[task].error
        np.testing.assert_array_equal(straight[task].parameters, shuffled[task].parameters)


def test_the_planted_form_is_chosen_and_the_margins_are_told():
    laws = fit_laws(swarm(60))
    assert laws["curved"].kind.name == "transfer"
    assert laws["curved"].behind["transfer"] == 0
    assert laws["curved"].behind["linear"] > laws["curved"].behind_errors["linear"] > 0
    assert laws["straight"].errors[laws["straight"].kind.name] < 1.1 * laws["straight"].errors["linear"]


def test_a_law_that_is_not_convex_must_be_clearly_better():
    """Where the truth bends the other way, convex laws fail clearly; where it does not, they stand."""
    weights = mixes(50)
    scores = {"bump": np.sin(5 * weights[:, 0]) + np.cos(5 * weights[:, 1]), "curved": transfer(weights)}
    laws = fit_laws(
        Runs(tuple(
            Run(f"r{i:02d}", f"m{i:02d}", dict(zip(DOMAINS, mix.tolist(), strict=True)),
                {task: float(y[i]) for task, y in scores.items()}) for i, mix in enumerate(weights)
        )),
        names=("transfer", "gp"),
    )  # fmt: skip
    assert {task: law.kind.name for task, law in laws.items()} == {"bump": "gp", "curved": "transfer"}


def test_a_single_law_is_fitted_as_asked():
    laws = fit_laws(swarm(), names=("log_linear",))
    assert {law.kind.name for law in laws.values()} == {"log_linear"}
    assert laws["curved"].error == laws["curved"].errors["log_linear"]


def test_the_error_is_what_new_mixes_see():
    law = fit_laws(swarm(60, noise=0.05))["curved"]
    unseen = mixes(500, seed=1)
    seen_later = transfer(unseen) + np.random.default_rng(2).normal(scale=0.05, size=500)
    assert law.error == pytest.approx(np.sqrt(np.mean((law.predict(unseen) - seen_later) ** 2)), rel=0.3)


def test_scores_without_signal_are_predicted_by_nobody():
    runs = swarm(60)
    noise = np.random.default_rng(0).normal(size=60)
    laws = fit_laws(Runs(tuple(replace(run, scores={"t": float(z)}) for run, z in zip(runs.runs, noise, strict=True))))
    assert laws["t"].rank_correlation < 0.4
    assert laws["t"].error > 0.9 * noise.std()


def test_folds_follow_names():
    names = [f"m{i}" for i in range(23)]
    folds = dict(zip(names, folds_of(names, 0), strict=True))
    assert folds == dict(zip(names[::-1], folds_of(names[::-1], 0), strict=True))
    assert sorted(np.bincount(list(folds.values()), minlength=FOLDS)) == [4, 4, 5, 5, 5]


def test_what_auto_stands_for():
    assert laws_for("auto", 64, 17) == tuple(CONVEX)
    assert laws_for("auto", 5000, 17) == tuple(LAWS)
    assert laws_for("auto", 10_000, 2_000) == ("linear", "log_linear")
    assert laws_for("gp", 64, 17) == ("gp",)


def test_bad_input():
    with pytest.raises(MixError, match="law: 'cubic' is unknown — known are auto, linear, log_linear"):
        fit_laws(swarm(), names=("cubic",))
    with pytest.raises(MixError, match="9 different mixes, cross-validation needs 10"):
        fit_laws(swarm(9))


def predictions(name: str, weights: np.ndarray, scores: np.ndarray, at: np.ndarray) -> np.ndarray:
    law = LAWS[name]
    return law.predict(law.fit(weights, scores, np.ones_like(scores)), at)


SEEN, AT = mixes(40), mixes(30, seed=1)
SCORES = np.array([transfer(SEEN), linear(SEEN)]) + np.random.default_rng(3).normal(scale=0.02, size=(2, 40))
ORDERS = st.permutations(range(len(DOMAINS)))


@pytest.mark.parametrize("name", CONVEX)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(domains=ORDERS, runs=st.permutations(range(40)), tasks=st.permutations(range(2)))
def test_order_permutes_the_answer_and_nothing_else(name, domains, runs, tasks):
    plain = predictions(name, SEEN, SCORES, AT)
    moved = predictions(name, SEEN[runs][:, domains], SCORES[tasks][:, runs], AT[:, domains])
    np.testing.assert_allclose(moved, plain[tasks], atol=2e-3 * SCORES.std())


@pytest.mark.parametrize("name", CONVEX)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
def test_units_do_not_matter(name, scale, shift):
    plain = predictions(name, SEEN, SCORES, AT)
    moved = (predictions(name, SEEN, shift + scale * SCORES, AT) - shift) / scale
    np.testing.assert_allclose(moved, plain, atol=2e-3 * SCORES.std())


@pytest.mark.parametrize("name", ["linear", "log_linear"])
@settings(max_examples=5, deadline=None, derandomize=True)
@given(which=st.integers(0, len(DOMAINS) - 1), seed=st.integers(0, 100))
def test_a_domain_listed_twice_counts_by_its_two_weights_together(name, which, seed):
    """The law of the split swarm, at any split of the domain's weight, is the law of the whole one."""
    share = np.random.default_rng(seed).uniform(0.2, 0.8, size=70)

    def split(weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
        twin = weights[:, which] * shares
        kept = weights.copy()
        kept[:, which] -= twin
        return np.column_stack([kept, twin])

    rates = np.array([1.0, 0.2, -0.5, -1.5, -3.0])
    clean = {"linear": linear(SEEN), "log_linear": 1.5 + np.exp(SEEN @ rates)}[name][None]
    apart = predictions(name, split(SEEN, share[:40]), clean, split(AT, share[40:]))
    np.testing.assert_allclose(apart, predictions(name, SEEN, clean, AT), atol=0.02 * clean.std())
