"""The plan for a size: how many proxies of which sizes buy most of an answer at that size.

Nothing is made and nothing is written. The ways to spend the budget are compared in imagined worlds
(mixes/planning/imagined.py): by the runs of the work folder where there are enough, else by the laws' priors.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from flows.at_size import check_comparable, question_over_sizes
from flows.experiment import Experiment
from flows.plan.known import Known, look
from flows.settings.question import holdings_of
from mixes.budget import budget_tokens
from mixes.certainty.at_size import NEEDED, fit_swarm_at, level_sizes
from mixes.errors import MixError
from mixes.laws.ladder import ladder_to
from mixes.laws.scale import Sized, Wander
from mixes.optimum.from_settings import limits_of
from mixes.optimum.holdings import Holdings
from mixes.optimum.limits import Limits
from mixes.planning.allocation import FEWEST, allocations
from mixes.planning.imagined import ASSUMED_NOISE, COVERAGE, Expected, compared
from mixes.planning.setting import BASE, AtHand, Setting
from mixes.proxy import cost as costs
from mixes.proxy.settings import SIZES, ProxySettings
from mixes.recommendation.expected import NATURAL
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.runs import Size
from mixes.sizes import parse_count, size_at
from mixes.swarm import draw_swarm
from pipeline.train.setup import VALIDATION_SEQUENCES

LARGEST = 1e12  # tokens of a pool that is not known yet, so that no mix repeats any of them
DRAWN = 256  # mixes that the imagined runs are made of, over and over where there are more runs


@dataclass(frozen=True)
class Way:
    """One way to spend the budget, and what it is expected to bring."""

    runs: tuple[tuple[str, int, bool], ...]  # size, proxies, whether around the mix that is best so far
    flops: float
    regret: float  # what the best mix at the size is expected to gain over the one recommended, in `unit`
    half_width: float  # of the interval on what the recommended mix gains over natural there, in `unit`
    as_good: bool  # as the way with the least regret, as far as the imagined worlds can tell


@dataclass(frozen=True)
class PlanAtSize:
    """Everything `mixwright plan --at --json` prints."""

    experiment: str
    at: str
    budget: float  # FLOPs
    runs_at_hand: int
    unit: str
    coverage: float
    ways: tuple[Way, ...]  # the least regret first
    assumptions: tuple[str, ...]


def plan_at_size(
    experiment: Experiment, at: str, flops: float | None, progress: Callable[[int, int], None]
) -> PlanAtSize:
    """The ways to spend `flops` (None: what the experiment's swarm costs), the best first.

    Raises:
        ExperimentError: proxies that cannot be compared over sizes.
        MixError: the size is none or cannot be reached, or the budget is too small.
    """
    check_comparable(experiment)
    known = look(experiment)
    assumptions = list(known.assumptions)
    question = _question(experiment, known, at, assumptions)
    prices = _prices(experiment, known)
    own = min(prices, key=prices.__getitem__)
    asked = question.at if question and question.at else size_at(at, list(prices))
    if asked.parameters <= own.parameters:
        raise MixError(f"at {asked}: is no larger than the swarm's own proxies ({own}) — plan without --at")
    prices = {size: price for size, price in prices.items() if size == own or size.parameters <= asked.parameters}
    budget = flops or (known.left or len(known.candidates)) * prices[own]
    at_hand = [size for size in question.runs.sizes if size] if question else []
    ladder_to(sorted({*prices, *at_hand}), asked)  # raises where no budget would do
    ways = allocations(prices, budget, asked, at_hand, len(question.runs.by_mix()) if question else 0)
    if len(ways) == 1:
        raise MixError(
            f"at {asked}: half of {budget:.3g} FLOPs pays for {FEWEST} proxies of no size from which a law "
            "reaches that one — give more --flops, or ask for a nearer size"
        )
    setting = _setting(experiment, known, question, asked, {step.size for way in ways for step in way.steps})
    if not question:
        assumptions.append(
            "No runs are at hand, so what mixes do is drawn from the laws' priors, and the noise of one proxy is taken "
            f"as {ASSUMED_NOISE:g} standard deviations of the target over mixes. Ask again when some are trained."
        )
    results = compared(setting, ways, progress)
    return PlanAtSize(
        experiment=experiment.name,
        at=str(asked),
        budget=budget,
        runs_at_hand=len(question.runs) if question else 0,
        unit="bpb" if question else "standard deviations",
        coverage=COVERAGE,
        ways=tuple(_way(result, results[0], prices) for result in results),
        assumptions=tuple(assumptions),
    )


def _way(result: Expected, best: Expected, prices: dict[Size, float]) -> Way:
    return Way(
        tuple((str(step.size), step.runs, step.chosen) for step in result.allocation.steps),
        result.allocation.cost(prices), result.regret, result.half_width,
        result.as_good_as(best),
    )  # fmt: skip


def _question(experiment: Experiment, known: Known, at: str, assumptions: list[str]) -> Question | None:
    """What the runs at hand are asked; None where they are too few."""
    if not known.evidence or not known.trained:
        return None
    question = question_over_sizes(experiment, known.evidence, list(known.trained), at)
    if len(question.runs.by_mix()) < NEEDED:
        assumptions.append(f"The {len(question.runs)} runs at hand are too few for laws, and are not counted.")
        return None
    return question


def _prices(experiment: Experiment, known: Known) -> dict[Size, float]:
    """The experiment's own size and the larger named ones whose tokens the pool has → FLOPs of training and scoring
    one proxy."""
    own = experiment.proxy
    ratio, sequences = own.tokens / own.shape.non_embedding, VALIDATION_SEQUENCES * len(known.domains)
    held = sum(domain.tokens for domain in known.pool.domains.values()) if known.pool else math.inf
    prices = {}
    for name, shape in SIZES.items():
        tokens = own.tokens if name == own.size else round(ratio * shape.non_embedding)
        too_many = tokens > experiment.swarm.max_epochs * held
        if shape.non_embedding < own.shape.non_embedding or (name != own.size and too_many):
            continue
        proxy = own if name == own.size else ProxySettings(size=name, context=own.context, tokens=tokens, tied=own.tied)
        each = costs.training_flops(proxy, known.vocabulary)
        each += costs.evaluation_flops(proxy, known.vocabulary, known.items, sequences)
        prices[Size(parse_count(name), float(tokens))] = float(each)
    return prices


def _setting(
    experiment: Experiment, known: Known, question: Question | None, asked: Size, planned: set[Size]
) -> Setting:
    """What all ways have in common; planned: sizes that any of them trains."""
    sizes = sorted(planned | {size for size in question.runs.sizes if size} if question else planned)
    ladder = ladder_to(sizes, asked)
    mixes = _mixes(experiment, known)
    pull = experiment.recommend.pull
    if question:
        at_hand, limits, wander = _at_hand(question)
        return Setting(known.domains, mixes, limits, pull, ladder, at_hand, wander, experiment.seed)
    holdings = holdings_of(experiment, known.pool) if known.pool else Holdings()
    asked_limits = experiment.recommend.limits.model_copy(update={"keep": {}})
    budget = budget_tokens(experiment.recommend.budget, holdings.available) if holdings.available else 0.0
    limits = limits_of(
        asked_limits, known.domains, mixes[0], {}, holdings.available, budget, experiment.recommend.max_epochs
    )
    return Setting(known.domains, mixes, limits, pull, ladder, seed=experiment.seed)


def _mixes(experiment: Experiment, known: Known) -> np.ndarray:
    """(n, n_domains) natural, then mixes as the swarm draws them."""
    settings = experiment.swarm.model_copy(
        update={"mixes": DRAWN, "rounds": (), "stop": None, "replicated": 0, "min_distance": 0.0}
    )
    natural = next(candidate.weights for candidate in known.candidates if candidate.mix == NATURAL)
    tokens, of_proxy = {name: LARGEST * share for name, share in natural.items()}, 1
    if known.pool:
        tokens = {name: float(domain.tokens) for name, domain in known.pool.domains.items()}
        of_proxy = experiment.proxy.tokens
    drawn = {one.mix: one.weights for one in draw_swarm(tokens, of_proxy, settings, experiment.seed)}
    return np.array([[mix[name] for name in known.domains] for mix in drawn.values()])


def _at_hand(question: Question) -> tuple[AtHand, Limits, Wander]:
    """The runs at hand as scores of the target, the limits on the mix, and how laws wander over the sizes there are."""
    runs, several = question.runs, len(question.runs.sizes) > 1
    at = question.at if several else None
    fitted = fit_swarm_at(runs, BASE, question.seed, question.seeds, at=at)
    problem = problem_of(replace(question, at=at), fitted)
    mixes = level_sizes(runs, question.seeds).by_mix()
    target = np.array([problem.target.get(task, 0.0) for task in mixes.tasks]) @ mixes.scores()
    kind = next(iter(fitted.laws.values())).kind
    wander = kind.wander if isinstance(kind, Sized) else Wander()
    sizes = tuple(size for size in mixes.sizes_of_runs if size)
    return AtHand(mixes.weights(), sizes, target, mixes.mixes), problem.limits, wander
