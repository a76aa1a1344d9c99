"""A question made ready to be answered: the aims' weights, their noise, the limits, the objective to minimise.

An *aim* is what scores are added up for: the target itself, each family and each task, as weights over tasks.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mixes.budget import epoch_caps
from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.noise import Noise, estimate_noise, spreads, unclear_tasks
from mixes.certainty.uneven import Uneven
from mixes.certainty.worlds import Side, Worlds
from mixes.errors import MixError
from mixes.laws.kind import LawKind
from mixes.optimum.best import best_mix, closest_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.exact import OPTIMAL, Optimum, exact_mixes
from mixes.optimum.from_settings import anchor_of, limits_of
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, stacked
from mixes.optimum.robust import best_robust_mix
from mixes.optimum.search import search_mix
from mixes.optimum.settings import LimitSettings
from mixes.recommendation.forgetting import own_scores
from mixes.recommendation.question import Question
from mixes.recommendation.result import Reference
from mixes.runs import to_array
from mixes.target import OVERALL, family_weights, standardised, task_weights

ROUGH = 1e-3  # share of the objective's range by which a mix may miss the best of an imagined world with steep laws
LOOSER = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # bpb by which floors are loosened in worlds where no mix meets them
ROBUST_WORLDS = 60  # whose worst tenth counts; every world is a constraint of one problem

ObjectiveOf = Callable[[Mapping[str, float]], Objective]  # an aim's task weights → its score as a function of the mix


@dataclass(frozen=True)
class Problem:
    """A question as `problem_of` prepares it: everything that an optimum needs."""

    question: Question
    fitted: FittedSwarm
    aims: Mapping[str, Mapping[str, float]]  # target, tasks, families → weights of tasks
    by_family: Mapping[str, Mapping[str, float]]  # family → weights of its tasks
    noise: Noise
    own: Mapping[str, float]  # aim → the checkpoint's score; empty where proxies start from their seeds
    reference: np.ndarray  # (n_domains,) what a mix is compared with
    called: str  # its name in messages
    anchor: np.ndarray  # (n_domains,) the mix that `pull`, `most_kl` and `closest` refer to
    pull: float  # bpb per nat
    optimism: Mapping[str, float]  # family or task → bpb by which its floor is lowered

    @property
    def target(self) -> Mapping[str, float]:
        """Task → weight."""
        return self.aims[OVERALL]

    @cached_property
    def tried(self) -> np.ndarray:
        """(n, n_domains) the swarm's mixes."""
        return self.fitted.runs.by_mix().weights()

    @cached_property
    def objective(self) -> Objective:
        """What the mix is to minimise."""
        return self.objective_of(self.target, self.pull)

    def objective_of(self, aim: Mapping[str, float], pull: float = 0.0) -> Objective:
        """The laws of an aim's tasks, weighted."""
        laws = {task: self.fitted.laws[task] for task in aim}
        kinds, parameters = (
            {task: getattr(law, part) for task, law in laws.items()} for part in ("kind", "parameters")
        )
        return objective_of(kinds, parameters, aim, self.anchor, pull)

    @cached_property
    def limits(self) -> Limits:
        """All that the mix must obey."""
        return self._limits(self.objective_of, self.question.settings.limits, self.optimism)

    def noise_between(self, name: str, one: np.ndarray, other: np.ndarray | None = None) -> float:
        """How far two proxies, of mixes `one` and `other` (n_domains,), differ on an aim for no other reason than their
        seeds: a standard deviation. None: the reference."""
        mixes = np.array([one, self.reference if other is None else other])
        return self.noise.difference[name] * float(np.sqrt(self.uneven.at(mixes).mean()))

    @property
    def uneven(self) -> Uneven:
        """How the noise depends on the mix."""
        return next(iter(self.fitted.local_fits.values())).uneven

    def solve(
        self, objective: Objective, limits: Limits, start: np.ndarray | None = None, within: float = OPTIMAL
    ) -> Optimum:
        """The mix that the settings ask for, under any laws; `within`: see exact_mix."""
        share = self.question.settings.limits.closest
        if share is not None:
            return closest_mix(objective, limits, share, self.tried, self.question.seed)
        return best_mix(objective, limits, start, self.tried, self.question.seed, within)

    def best(self, worlds: Worlds) -> Optimum:
        """The mix to recommend; only a robust one looks at the worlds."""
        if self.question.settings.robust:
            return self._robust(worlds)
        return self.solve(self.objective, self.limits)

    def optima(self, worlds: Worlds, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The best mixes (B, n_domains) of the worlds' truths, and those of their refits.

        Floors of `keep` are those of the world: its truth's for the truth, its refit's for the refit, lowered by the
        same optimism as here. So the place of a floor is as uncertain as the laws that it comes from.
        """
        return self._optima(worlds, "truths", {}, start), self._optima(worlds, "refits", self.optimism, start)

    def _optima(self, worlds: Worlds, side: Side, optimism: Mapping[str, float], start: np.ndarray) -> np.ndarray:
        """The best mixes (B, n_domains) by one side's laws: side by side where all worlds have the same limits, and one
        by one where that fails."""
        every = [
            (objective_of(worlds.kinds, laws, self.target, self.anchor, self.pull), laws)
            for laws in worlds.laws_by_world(side)
        ]
        limits = self.question.settings.limits
        quick: list[Optimum | None] = [None] * len(every)
        if limits.closest is None and not limits.keep and self.objective.convex and self.limits.convex:
            with np.errstate(all="ignore"):
                quick = exact_mixes([objective for objective, _ in every], self.limits, ROUGH)
        return np.array([
            (optimum or self._solve_in_world(objective, self._limits_in_world(worlds, laws, optimism), start)).mix
            for optimum, (objective, laws) in zip(quick, every, strict=True)
        ])  # fmt: skip

    def _solve_in_world(self, objective: Objective, limits: Limits, start: np.ndarray) -> Optimum:
        """The mix that the settings ask for by a world's laws. Where these are so steep that none is found or proven,
        the best one that a search finds; it looks for no closest mix, and brings all of the gain."""
        with np.errstate(all="ignore"):
            try:
                return self.solve(objective, limits, start, ROUGH)
            except MixError:
                if self.question.settings.limits.closest is not None:
                    with suppress(MixError):
                        return best_mix(objective, limits, start, self.tried, self.question.seed, ROUGH)
                return search_mix(objective, limits, self.tried, start, self.question.seed)

    def _limits_in_world(self, worlds: Worlds, laws: Mapping[str, np.ndarray], optimism: Mapping[str, float]) -> Limits:
        """The limits under a world's laws (task → parameters); floors that no mix meets there are loosened."""
        settings = self.question.settings.limits
        if not settings.keep:
            return self.limits

        def objective(aim: Mapping[str, float]) -> Objective:
            return objective_of(worlds.kinds, laws, aim, self.anchor)

        for more in LOOSER:
            keep = {name: worse + more for name, worse in settings.keep.items()}
            try:
                return self._limits(objective, settings.model_copy(update={"keep": keep}), optimism)
            except MixError:
                continue
        return self._limits(objective, settings.model_copy(update={"keep": {}}), {})

    def _limits(
        self,
        objective: Callable[[Mapping[str, float]], Objective],
        settings: LimitSettings,
        optimism: Mapping[str, float],
    ) -> Limits:
        """All that a mix must obey under laws by which `objective` scores an aim."""
        question, domains = self.question, self.fitted.runs.domains
        plain = {name: objective(aim) for name, aim in self.aims.items() if name in settings.keep}
        names = [name for name in self.aims if name != OVERALL]
        limits = limits_of(
            settings, domains, self.anchor, plain, question.holdings.available, question.budget or 0.0,
            question.settings.max_epochs, self.called, self.own, optimism, names,
        )  # fmt: skip
        return limits.and_also(*_cap_bounds(question, domains))

    def _robust(self, worlds: Worlds) -> Optimum:
        """The mix with the largest average gain over the worst worlds."""
        if self.question.settings.limits.closest is not None:
            raise MixError("recommend: robust and limits.closest exclude each other — keep one")
        objectives = worlds.objectives(self.target, self.anchor, self.pull)[:ROBUST_WORLDS]
        return best_robust_mix(objectives, self.limits, candidates=self.tried, seed=self.question.seed)


def problem_of(question: Question, fitted: FittedSwarm, optimism: Mapping[str, float] | None = None) -> Problem:
    """The problem that a question poses to laws that were fitted to its runs.

    optimism: family or task → bpb by which its laws are known to overstate a mix; the floors of `keep` are lowered by
    as much, because floors are compared with predictions, which include the optimism.

    Raises:
        MixError: an unknown target or domain, or limits that contradict each other.
    """
    settings, runs = question.settings, fitted.runs
    unclear = _unclear(question, fitted)
    target, noise = _target(question, fitted, unclear)
    by_family = family_weights(question.families, unclear)
    aims = {OVERALL: target, **{task: {task: 1.0} for task in runs.tasks}, **by_family}
    own = {} if question.checkpoint is None else own_scores(question.checkpoint, runs.tasks, aims)
    natural = question.holdings.natural
    if natural is None:
        reference, called = runs.by_mix().weights().mean(axis=0), "the swarm's centre"
    else:
        reference, called = to_array(natural, runs.domains, "natural mix"), "natural"
    anchor = anchor_of(settings.limits, runs.domains, reference)
    available, budget = question.holdings.available, question.budget
    if available and budget and not settings.limits.epochs:
        epoch_caps(available, budget, settings.max_epochs)  # raises a short message where the budget is too large
    has_anchor = natural is not None or bool(settings.limits.near)
    problem = Problem(question, fitted, aims, by_family, noise, own, reference, called, anchor, 0.0, optimism or {})
    if has_anchor:
        own_pull = settings.pull * problem.noise_between(OVERALL, reference)
        problem = replace(problem, pull=own_pull if settings.pull_bpb is None else settings.pull_bpb)
    assert problem.limits  # raises where limits contradict each other
    return problem


def reference_name(problem: Problem) -> Reference:
    """What gains are counted from, as results call it."""
    return "centre" if problem.question.holdings.natural is None else "natural"


def objective_of(
    kinds: Mapping[str, LawKind],
    parameters: Mapping[str, np.ndarray],
    aim: Mapping[str, float],
    anchor: np.ndarray,
    pull: float = 0.0,
) -> Objective:
    """Laws (task → form, task → parameters) of an aim's tasks, weighted, and a pull to `anchor` (n_domains,)."""
    return stacked([kinds[task] for task in aim], [parameters[task] for task in aim], list(aim.values()), anchor, pull)


def _cap_bounds(question: Question, domains: tuple[str, ...]) -> list[Bound]:
    caps = question.holdings.caps
    largest = to_array(caps, domains, "caps") if caps else np.ones(len(domains))
    return [
        Bound(f"cap: {name} ≤ {cap:.4g}", (name,), high=float(cap))
        for name, cap in zip(domains, largest, strict=True)
        if cap < 1
    ]


def _unclear(question: Question, fitted: FittedSwarm) -> tuple[str, ...]:
    """Tasks left out of their families' means, where replicates have measured the noise."""
    every = task_weights({}, question.families)
    noise = estimate_noise(fitted.runs, every, question.families, fitted.local_fits, question.seeds)
    return unclear_tasks(fitted.runs, noise) if noise.source == "replicates" else ()


def _target(question: Question, fitted: FittedSwarm, unclear: Collection[str]) -> tuple[dict[str, float], Noise]:
    """The target's task weights, standardised if asked, and the noise of every aim."""
    settings, families = question.settings, question.families

    def noise_of(target: Mapping[str, float]) -> Noise:
        return estimate_noise(fitted.runs, target, families, fitted.local_fits, question.seeds, unclear)

    target = task_weights(settings.target, families, unclear)
    noise = noise_of(target)
    if settings.standardise is None:
        return target, noise
    target = standardised(target, noise.at_one_seed if settings.standardise == "noise" else spreads(fitted.runs))
    return target, noise_of(target)
