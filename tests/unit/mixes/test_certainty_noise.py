"""Noise from replicates, from pairs that share seeds, and from residuals where there is nothing else."""

import numpy as np
import pytest

from mixes.certainty.local_fit import local_fits
from mixes.certainty.noise import Noise, estimate_noise
from mixes.laws.fit import TaskLaw
from mixes.laws.registry import LAWS
from mixes.runs import Run, Runs

FAMILIES = {"humaneval": "code", "mbpp": "code", "sciq": "knowledge"}
TARGET = {"humaneval": 0.25, "mbpp": 0.25, "sciq": 0.5}
SLOPES = {"humaneval": 1.0, "mbpp": 0.5, "sciq": -1.0}


def runs_of(replicates: dict[str, int], own: float, of_seed: float, seed: int = 0) -> tuple[Runs, dict[str, int]]:
    """Mixes with so many replicates; noise of its own for each run, and an effect that all runs of a seed share."""
    rng = np.random.default_rng(seed)
    shifts = of_seed * rng.standard_normal((max(replicates.values()), 3))
    runs, seeds = [], {}
    for number, (mix, count) in enumerate(replicates.items()):
        share = (number + 1) / (len(replicates) + 1)
        for seed_of_run in range(count):
            noise = own * rng.standard_normal(3) + shifts[seed_of_run]
            scores = {t: 2 + SLOPES[t] * share + e for t, e in zip(FAMILIES, noise.tolist(), strict=True)}
            name = f"{mix}-{seed_of_run}"
            runs.append(Run(name, mix, {"code": share, "web": 1 - share}, scores))
            seeds[name] = seed_of_run
    return Runs(tuple(runs)), seeds


def noise_of(runs: Runs, seeds: dict[str, int] | None = None) -> Noise:
    mixes = runs.by_mix()
    parameters = LAWS["linear"].fit(mixes.weights(), mixes.scores(), np.ones((3, len(mixes.runs))))
    laws = {
        task: TaskLaw(task, LAWS["linear"], runs.domains, parameters[t], 0, 0, {}, {})
        for t, task in enumerate(runs.tasks)
    }
    return estimate_noise(runs, TARGET, FAMILIES, local_fits(runs, laws), seeds)


def test_replicates_of_one_mix_say_the_noise_of_a_score():
    runs, seeds = runs_of({"natural": 40} | {f"m{i}": 1 for i in range(9)}, own=0.05, of_seed=0.0)
    found = noise_of(runs, seeds)
    assert (found.source, found.freedom, found.paired) == ("replicates", 39, False)
    assert found.score["sciq"] == pytest.approx(0.05, rel=0.3)
    assert found.score["code"] == pytest.approx(0.05 / np.sqrt(2), rel=0.3)
    assert found.difference["sciq"] == pytest.approx(np.sqrt(2) * found.score["sciq"])


def test_what_a_seed_does_to_all_mixes_cancels_in_their_difference():
    runs, seeds = runs_of({"natural": 12, "uniform": 12, "m0": 1}, own=0.01, of_seed=0.1)
    found = noise_of(runs, seeds)
    assert found.paired
    assert found.score["mbpp"] > 0.05
    assert found.difference["mbpp"] == pytest.approx(np.sqrt(2) * 0.01, rel=0.4)
    blind = noise_of(runs)
    assert not blind.paired
    assert blind.difference["mbpp"] > 5 * found.difference["mbpp"]


def test_without_replicates_the_laws_error_is_the_bound_and_says_so():
    runs, seeds = runs_of({f"m{i:02d}": 1 for i in range(40)}, own=0.05, of_seed=0.0)
    found = noise_of(runs, seeds)
    assert found.source == "residuals"
    assert found.score["sciq"] == pytest.approx(0.05, rel=0.35)
    assert found.score["target"] < found.score["sciq"]  # errors of tasks cancel, joint residuals know it


def test_a_task_whose_seeds_happen_to_agree_is_drawn_to_its_fellows():
    runs, _ = runs_of({"natural": 4} | {f"m{i}": 1 for i in range(9)}, own=0.05, of_seed=0.0)
    still = Runs(
        tuple(
            Run(run.id, run.mix, run.weights, {**run.scores, "sciq": 2.5} if run.mix == "natural" else run.scores)
            for run in runs.runs
        )
    )
    assert noise_of(still).score["sciq"] > 0.01


def test_a_linear_law_that_meets_every_score_does_not_make_the_noise_zero():
    rng = np.random.default_rng(0)
    domains, noise = tuple(f"d{number}" for number in range(30)), 0.05
    rows = rng.dirichlet(np.ones(30), 20)
    scores = 2 + rows @ rng.normal(size=30) + noise * rng.standard_normal(20)
    runs = Runs(
        tuple(
            Run(f"r{n}", f"m{n}", dict(zip(domains, row.tolist(), strict=True)), {"task": float(score)})
            for n, (row, score) in enumerate(zip(rows, scores, strict=True))
        )
    )
    parameters = LAWS["linear"].fit(rows, scores[None], np.ones((1, 20)))
    np.testing.assert_allclose(LAWS["linear"].predict(parameters, rows)[0], scores)
    law = TaskLaw("task", LAWS["linear"], domains, parameters[0], 0, 0, {}, {})
    assert local_fits(runs, {"task": law})["task"].noise > noise / 2
