"""Two mixes side by side: natural, the optimum, a simple one, one of the swarm's, or one that was typed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flows.errors import ExperimentError
from flows.report.findings import Findings
from mixes.certainty.intervals import Gain, score_intervals
from mixes.certainty.verdict import verdict_of
from mixes.errors import cut_short
from mixes.recommendation.beside import fixed_mixes
from mixes.recommendation.problem import Problem
from mixes.recommendation.two_mixes import gain_between
from mixes.runs import to_array
from mixes.target import OVERALL

OPTIMUM, OWN, NATURAL = "optimum", "own mix", "natural"


@dataclass(frozen=True)
class Side:
    """A mix and what a proxy on it is predicted to score."""

    name: str
    mix: np.ndarray  # (n_domains,)
    scores: Mapping[str, tuple[float, float, float]]  # aim → prediction, and the ends of a single proxy's score


@dataclass(frozen=True)
class Compared:
    """Two mixes; gains above zero mean that the right one is better."""

    left: Side
    right: Side
    gains: Mapping[str, Gain]  # aim → what the right mix gains over the left one
    verdicts: Mapping[str, str]


def choices(problem: Problem) -> dict[str, np.ndarray | None]:
    """Name of a mix → its weights (n_domains,); None: they are the caller's to give."""
    by_mix = problem.fitted.runs.by_mix()
    fixed = {name: mix for name, _, mix in fixed_mixes(problem)}
    named = {OPTIMUM: None, OWN: None, NATURAL: problem.reference, **fixed}
    tried = dict(zip(by_mix.mixes, by_mix.weights(), strict=True))
    return {**named, **{name: mix for name, mix in tried.items() if name not in named}}


def mix_named(name: str, problem: Problem, optimum: Mapping[str, float], own: Mapping[str, float]) -> np.ndarray:
    """A mix (n_domains,) by its name among `choices`.

    Raises:
        ExperimentError: there is none of that name.
    """
    known = choices(problem)
    if name not in known:
        raise ExperimentError(f"compare: no mix {cut_short(name)} — choose one of the list")
    given = known[name]
    return to_array(optimum if name == OPTIMUM else own, problem.fitted.runs.domains, name) if given is None else given


def compare(
    findings: Findings, problem: Problem, left: tuple[str, np.ndarray], right: tuple[str, np.ndarray]
) -> Compared:
    """Two mixes (name, weights), on the target and all families; scores have their own sign."""
    aims = (OVERALL, *findings.families)
    gains = {name: gain_between(problem, findings.worlds, problem.aims[name], right[1], left[1]) for name in aims}
    verdicts = {name: verdict_of(gain, problem.noise_between(name, left[1], right[1])) for name, gain in gains.items()}
    sides = [
        Side(name, mix, {aim: _scored(findings, problem, aim, mix) for aim in aims}) for name, mix in (left, right)
    ]
    return Compared(sides[0], sides[1], gains, verdicts)


def _scored(findings: Findings, problem: Problem, name: str, mix: np.ndarray) -> tuple[float, float, float]:
    aim = problem.aims[name]
    value = float(problem.objective_of(aim).value(mix[None])[0])
    low, high = score_intervals(problem.fitted.local_fits, aim, mix[None], problem.question.settings.coverage)[0]
    turned = findings.own_sign(name, np.array([value, low, high]))
    return float(turned[0]), float(turned[1:].min()), float(turned[1:].max())
