"""Cautions: what a reader should know before trusting a recommendation."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy.special import stdtrit

from mixes.certainty.alike import missed_alike
from mixes.certainty.intervals import ON_BOUND
from mixes.certainty.local_fit import LocalFit
from mixes.certainty.noise import Noise, unclear_tasks
from mixes.errors import MixError
from mixes.laws.scale import Sized
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import Caution
from mixes.runs import Runs

OUTSIDE = 0.01  # share of the tokens that must move to bring a mix into the swarm's hull; less is rounding
SURE = 0.975  # one-sided level at which a bias counts as seen
MOST_NAMED, FIRST_NAMED = 8, 5  # names in a line; of more than the first number only the second is written out
NOISIER = 1.5  # times the scatter of the reference's scores; the caution appears from there on
ALIKE = 0.1  # correlation of near mixes' errors from which on the caution appears; good laws reach 0.04 (measured)
FEW_SIZES = 2  # up to which nothing measures how sizes differ beyond a curve through them
LOWEST = 1 / 3  # share of the held-out mixes, those with the lowest predictions; the optimum lies among such mixes


def distance_to_hull(mix: np.ndarray, swarm: np.ndarray) -> float:
    """Least share of tokens that must move to make `mix` (d,) a blend of the swarm's mixes (n, d), in [0, 1].

    The linear program: least Σ (up + down) / 2 with swarmᵀ λ + up − down = mix, λ ≥ 0, Σ λ = 1.

    Raises:
        MixError: the solver found no answer.
    """
    from scipy.optimize import linprog  # half a second to import

    count, domains = swarm.shape
    cost = np.concatenate([np.zeros(count), np.full(2 * domains, 0.5)])
    blend = np.hstack([swarm.T, np.eye(domains), -np.eye(domains)])
    whole = np.concatenate([np.ones(count), np.zeros(2 * domains)])
    solution = linprog(cost, A_eq=np.vstack([blend, whole]), b_eq=np.append(mix, 1.0), method="highs")
    if not solution.success:
        raise MixError(f"hull of the swarm: the solver failed ({solution.message})")
    return float(solution.fun)


def cautions_of(problem: Problem, best: np.ndarray, intervals: np.ndarray, unit: str = "bpb") -> list[Caution]:
    """The cautions that apply to the mix `best` (n_domains,) and its weights' `intervals` (n_domains, 2)."""
    mixes, fits, noise = problem.fitted.runs.by_mix(), problem.fitted.local_fits, problem.noise
    natural = None if problem.question.holdings.natural is None else problem.reference
    room, target = problem.limits.room, problem.target
    unclear = unclear_tasks(mixes, noise)
    tasks_of = {name: [task for task, weight in aim.items() if weight] for name, aim in problem.by_family.items()}
    cautions = [
        _outside_swarm(best, mixes.weights()),
        _on_bound(best, (room.low, room.high), mixes.domains),
        _spans_natural(best, intervals, natural, mixes.domains),
        _few_runs(fits, len(mixes)),
        _larger_size(problem),
        _optimism(mixes, fits, target, unit),
        _missed_alike(fits, target),
        _noisier_mix(problem, best),
        _unclear_tasks(unclear, noise),
        _unclear_families(unclear, tasks_of, target, noise),
    ]
    return [caution for caution in cautions if caution is not None]


def _outside_swarm(best: np.ndarray, swarm: np.ndarray) -> Caution | None:
    distance = distance_to_hull(best, swarm)
    if distance <= OUTSIDE:
        return None
    return Caution(
        "outside_swarm",
        f"the mix lies outside the mixes that were tried ({distance:.1%} of its tokens away from the nearest blend of "
        "them), so its scores are extrapolated. Train proxies on it (`mixwright validate`) before you rely on it",
    )


def _on_bound(best: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], domains: tuple[str, ...]) -> Caution | None:
    floors, caps = bounds
    on_bound = ((best > caps - ON_BOUND) & (caps < 1)) | ((best < floors + ON_BOUND) & (floors > 0))
    names = tuple(name for name, is_on_bound in zip(domains, on_bound, strict=True) if is_on_bound)
    if not names:
        return None
    text = (
        f"the limits set the {_weights(names)}. Ask again with looser limits, or with more tokens of "
        f"{'it' if len(names) == 1 else 'them'}, to see what that would bring"
    )
    return Caution("on_bound", text, names)


def _spans_natural(
    best: np.ndarray, intervals: np.ndarray, natural: np.ndarray | None, domains: tuple[str, ...]
) -> Caution | None:
    if natural is None:
        return None
    spans = (intervals[:, 0] <= natural) & (natural <= intervals[:, 1]) & (np.abs(best - natural) > ON_BOUND)
    by_weight = np.argsort(-best, kind="stable")
    names = tuple(domains[i] for i in by_weight if spans[i])
    if not names:
        return None
    text = (
        f"whether to raise or to lower {named(names)} is undecided, because the natural share lies inside the "
        f"interval. {'It' if len(names) == 1 else 'Any one of them'} may stay at its natural share"
    )
    return Caution("spans_natural", text, names)


def _few_runs(fits: Mapping[str, LocalFit], count: int) -> Caution | None:
    names = tuple(task for task, fit in fits.items() if fit.smooth and fit.parameters > count)
    if not names:
        return None
    largest = max(fits[task].parameters for task in names)
    text = (
        f"with {count} mixes, laws of up to {largest} parameters rest in part on prior assumptions. More mixes would "
        "make the answer depend on the data alone"
    )
    return Caution("few_runs", text, names)


def _larger_size(problem: Problem) -> Caution | None:
    """How far the size that is asked for lies from the runs."""
    at = problem.question.at
    kind = next(iter(problem.fitted.laws.values())).kind
    if at is None or not isinstance(kind, Sized):
        return None
    largest = max(kind.ladder.sizes)
    text = f"no run has the size {at}, for which the mix is recommended"
    if kind.ladder.beyond > 1:
        text += f": the largest is {largest}, and {kind.ladder.beyond:.3g} times its parameters are extrapolated"
    if at in kind.ladder.sizes:
        if len(kind.ladder.sizes) > FEW_SIZES:
            return None
        text = f"the mix is recommended for runs of the size {at}, with those of other sizes as evidence"
    if len(kind.ladder.sizes) <= FEW_SIZES:
        text += (
            f". With {len(kind.ladder.sizes)} sizes, how much the effect of a mix changes from one to the next is "
            "assumed, not measured"
        )
    return Caution("larger_size", text)


def _optimism(mixes: Runs, fits: Mapping[str, LocalFit], target: Mapping[str, float], unit: str) -> Caution | None:
    """Whether scores lie above the predictions on the mixes that held-out laws call best.

    The mixes are chosen by prediction, as an optimum is. Those with the lowest scores would be low by luck, too.
    """
    values = np.array([target.get(task, 0.0) for task in mixes.tasks])
    error = values @ np.array([fits[task].held_out for task in mixes.tasks])  # predicted − score
    predicted = values @ mixes.scores() + error
    lowest = np.argsort(predicted, kind="stable")[: max(3, round(LOWEST * len(predicted)))]
    too_low = -error[lowest]
    size, doubt = float(too_low.mean()), float(too_low.std(ddof=1) / np.sqrt(len(lowest)))
    if size <= stdtrit(len(lowest) - 1, SURE) * doubt:
        return None
    return Caution(
        "optimism",
        f"the {len(lowest)} held-out mixes with the best predictions scored {size:.3g} ± {doubt:.2g} {unit} "
        "worse than predicted. Expect that much less from the recommendation",
    )


def _missed_alike(fits: Mapping[str, LocalFit], target: Mapping[str, float]) -> Caution | None:
    """Whether the laws of the tasks that count lack something, so that intervals are too narrow."""
    counted = [fit for task, fit in fits.items() if target.get(task)]
    if not counted:
        return None
    alike = missed_alike(counted)
    if alike.correlation < max(ALIKE, float(stdtrit(len(counted[0].residuals) - 1, SURE)) * alike.error):
        return None
    return Caution(
        "missed_alike",
        f"held-out errors of mixes that are near each other go together (correlation {alike.correlation:.2f} ± "
        f"{alike.error:.2f}; 0 where errors are noise). So the laws lack something of what mixes do, and intervals are "
        "narrower than they should be. Choose another law, or train this mix before you trust its gain",
    )


def _noisier_mix(problem: Problem, best: np.ndarray) -> Caution | None:
    at_best, at_reference = np.sqrt(problem.uneven.at(np.array([best, problem.reference])))
    if at_best < NOISIER * at_reference:
        return None
    return Caution(
        "noisier_mix",
        f"scores of mixes far from the swarm's centre scatter more: those of this mix {at_best / at_reference:.1f} "
        f"times as much as those of {problem.called}. Intervals and verdicts count with that. Train this mix with "
        "several seeds before you judge it",
    )


def _unclear_tasks(names: tuple[str, ...], noise: Noise) -> Caution | None:
    if not names:
        return None
    one = len(names) == 1
    text = (
        f"{named(names)} {'varies' if one else 'vary'} between mixes by less than twice the noise, so the answer says "
    )
    text += f"little about {'it' if one else 'them'}"
    if noise.source == "replicates":
        text += (
            f". {'It is' if one else 'They are'} left out of the family's score, unless the whole family is like this"
        )
    text += ". Larger proxies or more items per task would show more"
    return Caution("unclear_tasks", text, names)


def _unclear_families(
    unclear: Collection[str], tasks_of: Mapping[str, Collection[str]], target: Mapping[str, float], noise: Noise
) -> Caution | None:
    """Families of which every task is unclear."""
    names = tuple(sorted(family for family, tasks in tasks_of.items() if set(tasks) <= set(unclear)))
    if not names or noise.source != "replicates":
        return None
    asked = tuple(family for family in names if any(target.get(task, 0.0) for task in tasks_of[family]))
    counted = (
        f"the target still counts {named(asked)}"
        if asked
        else f"the target leaves {'it' if len(names) == 1 else 'them'} out"
    )
    text = f"no task of {named(names)} varies between mixes by more than twice its noise, so verdicts on "
    text += f"{'it' if len(names) == 1 else 'them'} mean little; {counted}"
    return Caution("unclear_families", text, names)


def _weights(names: tuple[str, ...]) -> str:
    return f"weight{'s' if len(names) > 1 else ''} of {named(names)}"


def named(names: Sequence[str]) -> str:
    """Names in a sentence; of a long list the first ones, and how many more there are (`names` has them all)."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:FIRST_NAMED])} and {len(names) - FIRST_NAMED} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
