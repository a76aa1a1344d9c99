"""What is asked, made ready: laws fitted, noise estimated, limits built, the objective to minimise."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from mixes.budget import epoch_caps
from mixes.certainty.intervals import ON_BOUND, Gain, gain_of, score_intervals
from mixes.certainty.local_fit import LocalFit
from mixes.certainty.noise import OVERALL, Noise, estimate_noise
from mixes.certainty.precision import fit_by_precision
from mixes.certainty.seeds import level_seeds
from mixes.certainty.worlds import Worlds
from mixes.errors import MixError
from mixes.laws.fit import TaskLaw, laws_for
from mixes.optimum.best import best_mix, closest_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.exact import Optimum
from mixes.optimum.limits import Limits
from mixes.optimum.marginal import marginal_values
from mixes.optimum.objective import Objective, stacked
from mixes.optimum.pareto import pareto_front
from mixes.optimum.robust import best_robust_mix
from mixes.optimum.settings import anchor_of, limits_of
from mixes.recommendation.cautions import CLEAR
from mixes.recommendation.forgetting import Forgotten, own_scores
from mixes.recommendation.result import FrontMix, Predicted
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs, to_array
from mixes.target import family_weights, standardised, task_weights

ROBUST_WORLDS = 60  # among which the worst are looked for: all of them are constraints of one problem


@dataclass(frozen=True)
class Holdings:
    """What there is of each domain.

    natural: domain → share, None where nobody knows (the swarm's centre takes its place, and nothing pulls to it);
    available: domain → tokens that can be had, None likewise; budget: tokens of the run that the mix is for;
    caps: domain → largest weight for reasons other than epochs.
    """

    natural: Mapping[str, float] | None = None
    available: Mapping[str, float] | None = None
    budget: float | None = None
    caps: Mapping[str, float] | None = None


def unclear_tasks(runs: Runs, noise: Noise) -> tuple[str, ...]:
    """Tasks that mixes move by less than twice their noise, where replicates have measured it: of no use to a mean."""
    if noise.source != "replicates":
        return ()
    return tuple(task for task, spread in spreads(runs).items() if spread < CLEAR * noise.at_one_seed[task])


def spreads(runs: Runs) -> dict[str, float]:
    """Task → standard deviation of its score over mixes."""
    return dict(zip(runs.tasks, runs.by_mix().scores().std(axis=1, ddof=1).tolist(), strict=True))


def case_of(
    runs: Runs,
    families: Mapping[str, str],
    holdings: Holdings,
    settings: RecommendSettings,
    seed: int,
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
    checkpoint: Mapping[str, float] | None = None,
) -> "Case":
    """Laws fitted and limits made for what is asked; arguments and errors as for `recommend`."""
    _check_names(families)
    runs = level_seeds(runs, seeds or {})
    names = laws_for(settings.law, len(runs.by_mix()), len(runs.domains))
    laws, fits = fit_by_precision(runs, names, seed, seeds, report)
    unclear = unclear_tasks(runs, estimate_noise(runs, task_weights({}, families), families, fits, seeds))
    aim, noise = _aim(runs, families, unclear, fits, settings, seeds)
    return Case(runs, family_weights(families, unclear), holdings, settings, laws, fits, aim, noise, seed, checkpoint)


class Case:
    """What is asked, made ready: aims, reference, limits, and the objective."""

    def __init__(
        self, runs: Runs, by_family: Mapping[str, Mapping[str, float]], holdings: Holdings, settings: RecommendSettings,
        laws: Mapping[str, TaskLaw], fits: Mapping[str, LocalFit], aim: Mapping[str, float], noise: Noise, seed: int,
        checkpoint: Mapping[str, float] | None,
    ) -> None:  # fmt: skip
        self.runs, self.settings, self.noise, self.seed = runs, settings, noise, seed
        self.laws, self.fits = laws, fits
        self.by_family = by_family
        self.aims = {OVERALL: aim, **{task: {task: 1.0} for task in runs.tasks}, **self.by_family}
        self.own = {} if checkpoint is None else own_scores(checkpoint, runs.tasks, self.aims)
        self.tried = runs.by_mix().weights()
        if holdings.natural is None:
            self.reference, self.called = self.tried.mean(axis=0), "the swarm's centre"
        else:
            self.reference, self.called = to_array(holdings.natural, runs.domains, "natural mix"), "natural"
        self.anchor = anchor_of(settings.limits, runs.domains, self.reference)
        known = holdings.natural is not None or bool(settings.limits.near)
        self.pull = settings.pull * noise.difference[OVERALL] if known else 0.0
        self.objective = self.objective_of(aim, self.pull)
        if holdings.available and holdings.budget and not settings.limits.epochs:
            epoch_caps(holdings.available, holdings.budget, settings.max_epochs)  # a budget too large is one short line
        self.holdings = holdings
        self.limits = self.limits_with({})

    def limits_with(self, optimism: Mapping[str, float]) -> Limits:
        """All that the mix must obey; the floors of `keep` are lowered by optimism (family or task → bpb)."""
        plain = {name: self.objective_of(one) for name, one in self.aims.items() if name != OVERALL}
        holdings, domains = self.holdings, self.runs.domains
        limits = limits_of(
            self.settings.limits, domains, self.anchor, plain, holdings.available, holdings.budget or 0.0,
            self.settings.max_epochs, self.called, self.own, optimism,
        )  # fmt: skip
        caps = to_array(holdings.caps, domains, "caps") if holdings.caps else np.ones(len(domains))
        further = [
            Bound(f"cap: {name} ≤ {cap:.4g}", (name,), high=float(cap))
            for name, cap in zip(domains, caps, strict=True)
            if cap < 1
        ]
        return limits.and_also(*further)

    def objective_of(self, aim: Mapping[str, float], pull: float = 0.0) -> Objective:
        """Tasks' laws, weighted."""
        kinds = [self.laws[task].kind for task in aim]
        return stacked(kinds, [self.laws[task].parameters for task in aim], list(aim.values()), self.anchor, pull)

    def solve(self, objective: Objective, start: np.ndarray | None = None) -> Optimum:
        """The mix that the settings ask for, under any laws."""
        share = self.settings.limits.closest
        if share is not None:
            return closest_mix(objective, self.limits, share, self.tried, self.seed)
        return best_mix(objective, self.limits, start, self.tried, self.seed)

    def best(self, worlds: Worlds) -> Optimum:
        """The mix to recommend."""
        return self.robust(worlds) if self.settings.robust else self.solve(self.objective)

    def robust(self, worlds: Worlds) -> Optimum:
        """The mix whose gain is best on average over the worlds that like it least."""
        if self.settings.limits.closest is not None:
            raise MixError("recommend: robust and limits.closest exclude each other — keep one")
        objectives = worlds.objectives(self.aims[OVERALL], self.anchor, self.pull)[:ROBUST_WORLDS]
        return best_robust_mix(objectives, self.limits, candidates=self.tried, seed=self.seed)

    def gain(self, aim: Mapping[str, float], worlds: Worlds, found: np.ndarray, best: np.ndarray) -> Gain:
        """What `best` gains on an aim, by the worlds' refits, whose own best mixes were `found`."""
        here, there = self.objective_of(aim).value(np.array([best, self.reference]))
        errors = worlds.gain_errors(aim, found, self.reference)
        return gain_of(float(there - here), errors, self.settings.coverage)

    def predicted(self, name: str, best: np.ndarray, gain: Gain, fits: Mapping[str, LocalFit]) -> Predicted:
        """One row."""
        aim = self.aims[name]
        uniform = np.full(len(best), 1 / len(best))
        natural, of_uniform = self.objective_of(aim).value(np.array([self.reference, uniform])).tolist()
        low, high = score_intervals(fits, aim, best[None], self.settings.coverage)[0] + gain.optimism
        return Predicted(
            mix=natural - gain.value,
            natural=natural,
            uniform=of_uniform,
            gain=gain.value,
            gain_low=min(gain.low, gain.value),
            gain_high=max(gain.high, gain.value),
            chance=gain.chance,
            mix_low=float(low),
            mix_high=float(high),
            noise=self.noise.difference[name],
            optimism=gain.optimism,
            error=sum(value * self.laws[task].error for task, value in aim.items()),
        )

    def forgotten(self, name: str, predicted: Predicted) -> Forgotten:
        """One row."""
        own, floor = self.own[name], self.settings.limits.keep.get(name)
        return Forgotten(own, predicted.mix - own, predicted.mix_low - own, predicted.mix_high - own, floor)

    def marginal(self, best: np.ndarray) -> dict[str, dict[str, float]]:
        """Domain → family → change by one more percent of it; nothing where there is no percent left."""
        values = marginal_values({name: self.objective_of(aim) for name, aim in self.by_family.items()}, best)
        return {
            domain: {family: float(change[i]) for family, change in values.items() if np.isfinite(change[i])}
            for i, domain in enumerate(self.runs.domains)
        }

    def front(self) -> tuple[FrontMix, ...]:
        """The Pareto front between families, where it is asked for."""
        if not self.settings.front:
            return ()
        families = {name: self.objective_of(aim, self.pull) for name, aim in self.by_family.items()}
        points = pareto_front(families, self.limits, self.settings.front, self.tried, self.seed)
        return tuple(FrontMix(one.target, self.named(one.mix), one.values) for one in points)

    def caps(self, best: np.ndarray) -> dict[str, float]:
        """Domains whose weight is as high as it may be, and that weight."""
        high = self.limits.room.high
        on = (high < 1) & (best > high - ON_BOUND)
        return {name: float(high[i]) for i, name in enumerate(self.runs.domains) if on[i]}

    def named(self, mix: np.ndarray) -> dict[str, float]:
        """Domain → weight."""
        return {name: float(weight) for name, weight in zip(self.runs.domains, mix, strict=True)}


def _check_names(families: Mapping[str, str]) -> None:
    """A name means one thing, or a family and its only task, which are one."""
    for name in sorted({*families, *families.values()}):
        mine = [task for task, family in families.items() if family == name]
        if name == OVERALL or (name in families and mine not in ([], [name])):
            raise MixError(f"suite: {name!r} names two things, of task, family and {OVERALL!r} — rename one")


def _aim(
    runs: Runs, families: Mapping[str, str], unclear: Collection[str], fits: Mapping[str, LocalFit],
    settings: RecommendSettings, seeds: Mapping[str, int] | None,
) -> tuple[dict[str, float], Noise]:  # fmt: skip
    """The target's task weights, standardised if asked, and the noise of every aim."""
    aim = task_weights(settings.target, families, unclear)
    noise = estimate_noise(runs, aim, families, fits, seeds, unclear)
    if settings.standardise is None:
        return aim, noise
    scales = noise.at_one_seed if settings.standardise == "noise" else spreads(runs)
    aim = standardised(aim, scales)
    return aim, estimate_noise(runs, aim, families, fits, seeds, unclear)
