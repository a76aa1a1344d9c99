"""Runs that a way makes in imagined worlds: each has the score that the world's truth gives, and noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixes.planning.allocation import Step
from mixes.planning.setting import Setting
from mixes.swarm import AROUND, LEAST

MOST = 96  # runs of a step that are imagined one by one; of more, as many that count for several each


@dataclass(frozen=True)
class Truths:
    """The laws that are true in the worlds, and the noise of a run."""

    parameters: np.ndarray  # (B, q)
    noise: float  # of one run, in standard deviations of the target over mixes
    best: np.ndarray  # (B, n_domains) by them


@dataclass(frozen=True)
class ImaginedRuns:
    """Runs in all worlds, or in one."""

    columns: np.ndarray  # (n, n_domains + 1), the same in all worlds
    scores: np.ndarray  # (B, n)
    counts: np.ndarray  # (n,) how many single runs each counts for

    def of(self, world: int) -> "ImaginedRuns":
        """Those of one world."""
        return ImaginedRuns(self.columns, self.scores[world : world + 1], self.counts)

    def and_also(self, more: "ImaginedRuns") -> "ImaginedRuns":
        """Both."""
        return ImaginedRuns(*(
            np.concatenate([getattr(self, name), getattr(more, name)], axis=axis)
            for name, axis in (("columns", 0), ("scores", 1), ("counts", 0))
        ))  # fmt: skip


def over_all_mixes(setting: Setting, truths: Truths, steps: Sequence[Step], rng: np.random.Generator) -> ImaginedRuns:
    """The runs at hand, and those of `steps` over the swarm's mixes."""
    count, width = len(truths.parameters), len(setting.domains) + 1
    runs = ImaginedRuns(np.empty((0, width)), np.empty((count, 0)), np.empty(0))
    if known := setting.at_hand:
        columns = setting.columns(known.weights, known.sizes)
        runs = ImaginedRuns(columns, np.tile(known.standardised, (count, 1)), np.ones(len(columns)))
    taken = 0
    for step in steps:
        single = min(step.runs, MOST)
        mixes = setting.mixes[np.arange(taken, taken + single) % len(setting.mixes)]
        runs = runs.and_also(_scored(setting, truths.parameters, truths.noise, mixes, step, rng))
        taken += single
    return runs


def near_the_best(
    setting: Setting, truths: Truths, world: int, step: Step, best: np.ndarray, rng: np.random.Generator
) -> ImaginedRuns:
    """One world's runs around the mix that was best so far, and one of the reference."""
    drawn = rng.dirichlet(AROUND * best + LEAST, min(step.runs, MOST) - 1)
    mixes = np.concatenate([setting.reference[None], drawn])
    return _scored(setting, truths.parameters[world : world + 1], truths.noise, mixes, step, rng)


def _scored(
    setting: Setting, parameters: np.ndarray, noise: float, mixes: np.ndarray, step: Step, rng: np.random.Generator
) -> ImaginedRuns:
    """Runs of a step on mixes (m, n_domains), by true laws (B, q)."""
    columns, each = setting.columns(mixes, [step.size] * len(mixes)), step.runs / len(mixes)
    true = setting.kind.predict(parameters, columns)
    scores = true + noise / each**0.5 * rng.standard_normal(true.shape)
    return ImaginedRuns(columns, scores, np.full(len(mixes), each))
