"""The recommendation: the best mix, what it is predicted to gain over natural, and how sure that is.

Laws are fitted to the runs, the optimum is found under the limits, and the same is done again in imagined worlds
(mixes/certainty/worlds.py), whose truths are known: how far it is off there says how far to trust it here. And a
score is noisy by itself: a gain below the noise of a difference between two proxies is no finding.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mixes.budget import epoch_caps
from mixes.certainty.cautions import CLEAR, cautions_of
from mixes.certainty.intervals import ON_BOUND, Gain, gain_of, score_intervals, weight_intervals
from mixes.certainty.leverage import LocalFit, local_fits
from mixes.certainty.noise import OVERALL, Noise, estimate_noise
from mixes.certainty.verdict import sentence, verdict_of
from mixes.certainty.worlds import Worlds, imagine_worlds
from mixes.errors import MixError
from mixes.fit import LARGE, TaskLaw, fit_laws, laws_for
from mixes.forgotten import Forgotten, own_scores
from mixes.optimum.best import best_mix, closest_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.exact import Optimum
from mixes.optimum.limits import Limits
from mixes.optimum.marginal import marginal_values
from mixes.optimum.objective import Objective, stacked
from mixes.optimum.pareto import pareto_front
from mixes.optimum.robust import best_robust_mix
from mixes.optimum.settings import anchor_of, limits_of
from mixes.recommendation import FrontMix, Predicted, Recommendation
from mixes.runs import Runs, to_array
from mixes.seeds import level_seeds
from mixes.settings import RecommendSettings
from mixes.target import family_weights, standardised, task_weights

SEARCHED_WORLDS = 40  # where laws are not convex each world's optimum is a search, and takes seconds
LARGE_WORLDS = 40  # where each optimum takes seconds for its size
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


def recommend(
    runs: Runs,
    families: Mapping[str, str],
    holdings: Holdings,
    settings: RecommendSettings,
    seed: int,
    evidence: Mapping[str, str],
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
    checkpoint: Mapping[str, float] | None = None,
) -> Recommendation:
    """The best mix for `settings.target` from the swarm's `runs`.

    families: task → family; seeds: run → the seed that it was trained with, where it is known; report: is told what
    was done and how long it took; checkpoint: task → bpb of the checkpoint that all runs started from, untrained, if
    they did: what is forgotten, and what `limits.keep` allows, is counted from there.

    Raises:
        MixError: an unknown target or law, different domains or tasks, too few runs, limits that contradict each other.
    """
    case = case_of(runs, families, holdings, settings, seed, seeds, report, checkpoint)
    runs, laws, fits, noise, aim = case.runs, case.laws, case.fits, case.noise, case.aims[OVERALL]
    worlds = imagine_worlds(fits, runs.by_mix().weights(), _world_count(case), seed)
    best = case.best(worlds)
    optima = worlds.optima(aim, case.anchor, case.pull, lambda one, start: case.solve(one, start).mix, best.mix)
    if case.own and settings.limits.keep:  # a floor is for what is predicted, optimism included
        optimism = {
            name: case.gain(case.aims[name], worlds, optima[1], best.mix).optimism for name in settings.limits.keep
        }
        case.limits = case.limits_with({name: max(0.0, over) for name, over in optimism.items()})
        best = case.best(worlds)
    room = case.limits.room
    intervals = weight_intervals(best.mix, optima, room.low, room.high, settings.coverage)
    gains = {name: case.gain(one, worlds, optima[1], best.mix) for name, one in case.aims.items()}
    verdicts = {name: verdict_of(gains[name], noise.difference[name]) for name in (OVERALL, *case.by_family)}
    bounds = (room.low, room.high)
    natural = None if holdings.natural is None else case.reference
    predicted = {name: case.predicted(name, best.mix, gains[name], fits) for name in case.aims}
    found = Recommendation(
        id="",
        mix=case.named(best.mix),
        natural=case.named(case.reference),
        reference="centre" if natural is None else "natural",
        intervals={name: (float(low), float(high)) for name, (low, high) in zip(runs.domains, intervals, strict=True)},
        epochs=_epochs(case.named(best.mix), holdings),
        caps=case.caps(best.mix),
        binding=best.prices,
        target={task: weight for task, weight in aim.items() if weight},
        families={name: {t: w for t, w in one.items() if w} for name, one in case.by_family.items()},
        standardised=settings.standardise,
        predicted=predicted,
        forgotten={name: case.forgotten(name, predicted[name]) for name in case.own},
        verdict=verdicts,
        summary=sentence(gains, verdicts, case.called),
        cautions=tuple(cautions_of(runs, fits, aim, best.mix, intervals, natural, bounds, noise)),
        marginal=case.marginal(best.mix),
        law={task: _law_row(laws[task], noise.at_one_seed[task], spread) for task, spread in spreads(runs).items()},
        gap=best.gap,
        noise_from=noise.source,
        front=case.front(),
        budget=holdings.budget,
        max_epochs=settings.max_epochs,
        evidence=dict(evidence),
    )
    digest = hashlib.sha256(json.dumps(found.to_json(), sort_keys=True).encode()).hexdigest()[:12]
    return replace(found, id=f"recommendation-{digest}")


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
    laws = fit_laws(runs, laws_for(settings.law, len(runs.by_mix()), len(runs.domains)), seed, report)
    fits = local_fits(runs, laws)
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
    scales = noise.score if settings.standardise == "noise" else spreads(runs)
    aim = standardised(aim, scales)
    return aim, estimate_noise(runs, aim, families, fits, seeds, unclear)


def _world_count(case: Case) -> int:
    if not case.objective.convex:
        return min(SEARCHED_WORLDS, case.settings.replicates)
    return min(LARGE_WORLDS, case.settings.replicates) if case.tried.size > LARGE else case.settings.replicates


def _epochs(mix: Mapping[str, float], holdings: Holdings) -> dict[str, float]:
    if holdings.available is None or holdings.budget is None:
        return {}
    return {name: weight * holdings.budget / holdings.available[name] for name, weight in mix.items()}


def _law_row(law: TaskLaw, noise: float, spread: float) -> dict:
    return {
        "name": law.kind.name,
        "error": law.error,
        "rank_correlation": law.rank_correlation,
        "noise": noise,
        "spread": spread,
        "errors": law.errors,
        "rank_correlations": law.rank_correlations,
        "behind": law.behind,
        "behind_errors": law.behind_errors,
    }
