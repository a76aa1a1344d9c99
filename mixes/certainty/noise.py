"""Noise: how far apart the scores of two proxies are for no other reason than their seeds.

Replicates of one mix measure it. Where several mixes were trained with the same seeds, what a seed does to all of them
alike cancels in a difference between mixes (common random numbers), and a difference is less noisy than √2 scores. A
swarm is compared at one seed (mixes/certainty/seeds.py), so that difference decides verdicts, and which tasks are
unclear. Without replicates, noise is estimated as the standard deviation of what the laws leave unexplained, by the
degrees of freedom that the fits leave. What no law can express is in it too, so it is rather too large than too small.

All are of a mix with the swarm's average noise; where it depends on the mix, `LocalFit.uneven` says how.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixes.certainty.local_fit import LocalFit
from mixes.certainty.seeds import split_scores
from mixes.runs import Runs, to_array
from mixes.target import OVERALL, family_weights

Source = Literal["replicates", "residuals"]
PRIOR_FREEDOM = 3  # degrees of freedom, as many as four seeds give (assumed)
CLEAR = 2.0  # standard deviations of noise that a task's spread over mixes must reach, or the task is unclear


@dataclass(frozen=True)
class Noise:
    """Standard deviations by aim (target, family, task), in the unit of the scores."""

    score: dict[str, float]  # of one proxy's score, including what its seed does to all mixes alike
    difference: dict[str, float]  # of the difference between the scores of two proxies of equally good mixes
    source: Source  # `residuals`: estimated from what the laws leave unexplained
    freedom: int  # degrees of freedom behind `score`; replicates beyond each mix's first, or mixes
    paired: bool  # whether `difference` was measured on mixes that share seeds; else it is √2 times `score`

    @property
    def at_one_seed(self) -> dict[str, float]:
        """Of one proxy's score among others of its seed: what a spread over mixes is to be compared with."""
        return {name: value / float(np.sqrt(2)) for name, value in self.difference.items()}


def spreads(runs: Runs) -> dict[str, float]:
    """Task → standard deviation of its score over mixes."""
    return dict(zip(runs.tasks, runs.by_mix().scores().std(axis=1, ddof=1).tolist(), strict=True))


def unclear_tasks(runs: Runs, noise: Noise) -> tuple[str, ...]:
    """Tasks whose scores vary between mixes by less than CLEAR times their noise: they say nothing about mixes."""
    return tuple(task for task, spread in spreads(runs).items() if spread < CLEAR * noise.at_one_seed[task])


def aims_of(
    target: Mapping[str, float], families: Mapping[str, str], unclear: Collection[str] = ()
) -> dict[str, dict[str, float]]:
    """Aim → weights of tasks: the target's (task → weight), each task's, each family's (families: task → family)."""
    alone = {task: {task: 1.0} for task in sorted(families)}
    return {OVERALL: dict(target), **alone, **family_weights(families, unclear)}


def estimate_noise(
    runs: Runs,
    target: Mapping[str, float],
    families: Mapping[str, str],
    fits: Mapping[str, LocalFit],
    seeds: Mapping[str, int] | None = None,
    unclear: Collection[str] = (),
) -> Noise:
    """The noise of the target (task → weight), of each family and each task.

    families: task → family; fits: `local_fits(runs, laws)`, for swarms without replicates; seeds: run → its seed;
    unclear: tasks that are left out of their families' means.
    """
    aims = aims_of(target, families, unclear)
    names, by_aim = list(aims), _matrix(aims, runs.tasks)
    unexplained = ((by_aim @ np.array([fits[task].held_out for task in runs.tasks])) ** 2).mean(axis=1)  # (n_aims,)
    groups = runs.replicates()
    if not groups:
        left = np.array([_left(fits[task]) for task in runs.tasks])
        size, count = np.sqrt(((by_aim @ left) ** 2).mean(axis=1)), len(runs.by_mix())
        return Noise(_named(names, size), _named(names, np.sqrt(2) * size), "residuals", count, paired=False)
    uneven = next(iter(fits.values())).uneven
    even = [1 / np.sqrt(uneven.at(group.weights())) for group in groups]
    within = np.concatenate([_centred(group.scores()) * one for group, one in zip(groups, even, strict=True)], axis=1)
    freedom = sum(len(group.runs) - 1 for group in groups)
    single = np.array([name in families for name in names])
    score = _named(names, _drawn((by_aim @ within) ** 2, freedom, unexplained, single))
    both = split_scores(groups, seeds or {})
    paired = both.freedom > 0
    rest = both.rest / np.sqrt(uneven.at(both.weights)) if paired else both.rest
    difference = _named(names, _drawn((by_aim @ rest) ** 2, both.freedom, unexplained, single)) if paired else score
    root_two = {name: float(np.sqrt(2)) * value for name, value in difference.items()}
    return Noise(score, root_two, "replicates", freedom, paired)


def _matrix(aims: Mapping[str, Mapping[str, float]], tasks: Sequence[str]) -> np.ndarray:
    """(n_aims, n_tasks)."""
    return np.array([to_array({**dict.fromkeys(tasks, 0.0), **aim}, tasks, "target") for aim in aims.values()])


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _left(fit: LocalFit) -> np.ndarray:
    """(n,) residuals as those of single runs with the fit's degrees of freedom."""
    left = fit.freedom if fit.smooth else len(fit.residuals)  # residuals of trees are held-out ones
    return fit.residuals / fit.spread * np.sqrt(len(fit.residuals) / left)


def _centred(scores: np.ndarray) -> np.ndarray:
    return scores - scores.mean(axis=1, keepdims=True)


def _drawn(squares: np.ndarray, freedom: int, unexplained: np.ndarray, single: np.ndarray) -> np.ndarray:
    """(n_aims,) standard deviations, from squared deviations (n_aims, n).

    A few seeds give a poor estimate, now and then one that is much too small. So each aim's variance is drawn towards
    that of its group, the single tasks or the families with the target, by PRIOR_FREEDOM degrees of freedom (Smyth
    2004, doi:10.2202/1544-6115.1027). A group shares the ratio of noise to what the laws leave unexplained, which has
    no unit.
    """
    sums = squares.sum(axis=1)
    drawn = np.empty(len(sums))
    for group in (single, ~single) if not single.all() else (single,):
        part = np.mean(sums[group] / (freedom * np.maximum(unexplained[group], 1e-300)))
        prior = PRIOR_FREEDOM * part * unexplained[group]
        drawn[group] = np.sqrt((sums[group] + prior) / (freedom + PRIOR_FREEDOM))
    return drawn
