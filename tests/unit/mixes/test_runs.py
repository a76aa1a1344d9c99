"""Runs: names lead, arrays hold; both ways of making them give the same."""

import tracemalloc

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.runs import Run, Runs

RUNS = [
    Run("b", "x", {"web": 0.5, "code": 0.5}, {"t": 1.0, "s": 4.0}),
    Run("a", "y", {"code": 0.25, "web": 0.75}, {"s": 5.0, "t": 2.0}),
    Run("c", "x", {"web": 0.5, "code": 0.5}, {"t": 3.0, "s": 6.0}),
]


def test_order_of_names_does_not_matter():
    runs = Runs(RUNS)
    assert (runs.ids, runs.mixes, runs.domains, runs.tasks) == (
        ("a", "b", "c"), ("y", "x", "x"), ("code", "web"), ("s", "t"),
    )  # fmt: skip
    assert runs.weights().tolist() == [[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]]
    assert runs.scores().tolist() == [[5.0, 4.0, 6.0], [2.0, 1.0, 3.0]]
    same = Runs.from_arrays(
        ["c", "b", "a"], ["x", "x", "y"], ["web", "code"], ["t", "s"],
        np.array([[0.5, 0.5], [0.5, 0.5], [0.75, 0.25]]), np.array([[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]]),
    )  # fmt: skip
    assert [dict(run.scores) for run in same.runs] == [dict(run.scores) for run in runs.runs]
    assert [dict(run.weights) for run in same.runs] == [dict(run.weights) for run in runs.runs]


def test_replicates_and_means():
    runs = Runs(RUNS)
    (pair,) = runs.replicates()
    assert pair.ids == ("b", "c")
    assert runs.by_mix().ids == ("x", "y")
    assert runs.by_mix().scores().tolist() == [[5.0, 5.0], [2.0, 2.0]]


def test_arrays_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        Runs(RUNS).weights()[0, 0] = 1


@pytest.mark.parametrize(
    ("weights", "scores", "said"),
    [
        ([[0.5, 0.6], [0.5, 0.5]], [[1.0, 2.0]], "run 'a' are below 0 or sum to 1.1"),
        ([[0.5, 0.5], [-0.5, 1.5]], [[1.0, 2.0]], "run 'b' are below 0"),
        ([[0.5, 0.5], [float("nan"), 0.5]], [[1.0, 2.0]], "run 'b' are below 0 or sum to nan"),
        ([[0.5, 0.5], [0.5, 0.5]], [[1.0, float("inf")]], "run 'b' has the score inf on task 't'"),
    ],
)
def test_arrays_are_checked(weights, scores, said):
    with pytest.raises(MixError, match=said):
        Runs.from_arrays(["a", "b"], ["x", "y"], ["code", "web"], ["t"], np.array(weights), np.array(scores))


def test_memory_is_that_of_the_arrays():
    """2,000 runs × 500 domains are 8 MB; a dictionary a run would take a hundred."""
    weights = np.random.default_rng(0).dirichlet(np.ones(500), size=2_000)
    ids, domains = [f"r{i:04d}" for i in range(2_000)], [f"d{i:03d}" for i in range(500)]
    tracemalloc.start()
    runs = Runs.from_arrays(ids, ids, domains, ["t"], weights, np.zeros((1, 2_000)))
    assert runs.runs[7].weights["d003"] == weights[7, 3]
    assert runs.by_mix().weights().shape == weights.shape
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * weights.nbytes
