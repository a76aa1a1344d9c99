"""What stands beside a recommendation: simple mixes, one's own, the worst, and what the caps cost."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mixes.certainty.intervals import Gain, gain_of
from mixes.certainty.verdict import verdict_of
from mixes.optimum.bounds import Bound
from mixes.optimum.limits import Limits
from mixes.optimum.worst import worst_mix
from mixes.recommendation.baselines import baselines
from mixes.recommendation.optima import Optima
from mixes.recommendation.predictions import named
from mixes.recommendation.problem import Problem, reference_name
from mixes.recommendation.result import ONE_CAP, Beside, BesideKind, Predicted
from mixes.recommendation.two_mixes import gains_over
from mixes.runs import to_array
from mixes.target import OVERALL

CAPS = ("epochs", "cap")  # kinds of bounds that are caps
LIFTED = 6  # caps that are lifted alone, the costliest first
WORST, UNCAPPED = "worst allowed", "no caps"


def beside_rows(optima: Optima, target: Predicted) -> tuple[Beside, ...]:
    """All mixes that a recommendation is compared with; target: what it is predicted to gain."""
    problem, best = optima.problem, optima.best.mix
    rows = [*fixed_mixes(problem), (WORST, "worst", worst_mix(problem.objective_of(problem.target), problem.limits))]
    names, kinds, mixes = zip(*rows, strict=True)
    every = np.array(mixes)
    plain = gains_over(problem, optima.worlds, problem.target, every, problem.reference)
    ahead = _ahead(optima, every)
    fixed = [
        _row(problem, name, kind, mix, gain if kind == "worst" else replace(gain, value=gain.claimed), over)
        for name, kind, mix, gain, over in zip(names, kinds, every, plain, ahead, strict=True)
    ]
    given = [row for row in fixed if row.kind == "given"]
    pairs = [_instead(optima, one, given[0]) for one in given[1:]]
    return (
        *fixed,
        *pairs,
        *(_loosened(optima, target, name, kind, limits) for name, kind, limits in _looser(optima, best)),
    )


def fixed_mixes(problem: Problem) -> list[tuple[str, BesideKind, np.ndarray]]:
    """Name, kind and weights (n_domains,) of the mixes that nobody chose by these laws."""
    domains = problem.fitted.runs.domains
    simple: list[tuple[str, BesideKind, np.ndarray]] = [(one.name, "simple", one.mix) for one in baselines(problem)]
    given = problem.question.compared.items()
    return [*((name, "given", to_array(mix, domains, name)) for name, mix in given), *simple]


def _ahead(optima: Optima, mixes: np.ndarray) -> list[Gain]:
    """What the recommended mix gains over each of `mixes` (m, n_domains), corrected for having been chosen."""
    problem = optima.problem
    values = problem.objective_of(problem.target).value(np.concatenate([optima.best.mix[None], mixes]))
    errors = optima.worlds.chosen_errors(problem.target, optima.of_refits, mixes)
    coverage = problem.question.settings.coverage
    return [gain_of(float(values[1 + i] - values[0]), errors[:, i], coverage) for i in range(len(mixes))]


def _instead(optima: Optima, one: Beside, other: Beside) -> Beside:
    """What one mix of one's own gains over another."""
    problem = optima.problem
    mix, first = (to_array(row.mix, problem.fitted.runs.domains, row.name) for row in (one, other))
    (gain,) = gains_over(problem, optima.worlds, problem.target, mix[None], first)
    return replace(
        one, against=other.name, gain=gain.claimed, gain_low=min(gain.low, gain.claimed),
        gain_high=max(gain.high, gain.claimed),
        families={name: value - other.families[name] for name, value in one.families.items()},
    )  # fmt: skip


def _looser(optima: Optima, best: np.ndarray) -> Iterator[tuple[str, BesideKind, Limits]]:
    """The limits without all caps, and without each of the costliest ones that bind; a robust mix is left as it is."""
    problem = optima.problem
    limits, prices = problem.limits, optima.best.prices
    caps = [bound for bound in limits.bounds if _is_cap(bound) and len(bound.domains) == 1]
    binding = sorted((cap for cap in caps if cap.name in prices), key=lambda cap: -prices[cap.name])
    if not binding or problem.question.settings.robust:
        return
    yield UNCAPPED, "uncapped", replace(limits, bounds=tuple(b for b in limits.bounds if not _is_cap(b)))
    for cap in binding[:LIFTED] if len(binding) > 1 else ():
        name = f"{ONE_CAP}{cap.domains[0]}"
        yield name, "one_cap", replace(limits, bounds=tuple(b for b in limits.bounds if b != cap))


def _is_cap(bound: Bound) -> bool:
    return bound.name.partition(":")[0] in CAPS


def _loosened(optima: Optima, target: Predicted, name: str, kind: BesideKind, limits: Limits) -> Beside:
    """The best mix within other limits. It was chosen as the recommended one was, so their optimisms about cancel in
    the difference, which the laws then give as it is."""
    problem = optima.problem
    mix = problem.solve(problem.objective, limits, optima.best.mix).mix
    (over,) = gains_over(problem, optima.worlds, problem.target, mix[None], optima.best.mix)
    low, high = min(over.low, over.claimed), max(over.high, over.claimed)
    more = replace(over, value=target.gain + over.claimed, low=target.gain_low + over.claimed,
                   high=target.gain_high + over.claimed)  # fmt: skip
    less = replace(over, value=-over.claimed, low=-high, high=-low)
    return _row(problem, name, kind, mix, more, less)


def _row(
    problem: Problem, name: str, kind: BesideKind, mix: np.ndarray, gain: Gain, ahead: Gain, against: str = ""
) -> Beside:
    families = {
        family: float(np.subtract(*problem.objective_of(aim).value(np.array([problem.reference, mix]))))
        for family, aim in problem.by_family.items()
    }
    return Beside(
        name, kind, named(problem, mix), against or reference_name(problem), gain.value, min(gain.low, gain.value),
        max(gain.high, gain.value), families, ahead.value, min(ahead.low, ahead.value), max(ahead.high, ahead.value),
        verdict_of(ahead, problem.noise_between(OVERALL, mix)), bool(problem.limits.met(mix[None])[0]),
    )  # fmt: skip
