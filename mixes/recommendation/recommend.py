"""The recommendation: the best mix, what it is predicted to gain over natural, and how sure that is.

Laws are fitted to the runs, the optimum is found under the limits, and the same is done again in imagined worlds
(mixes/certainty/worlds.py), whose truths are known: how far it is off there says how far to trust it here. And a
score is noisy by itself: a gain below the noise of a difference between two proxies is no finding.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from mixes.certainty.intervals import weight_intervals
from mixes.certainty.noise import OVERALL
from mixes.certainty.verdict import sentence, verdict_of
from mixes.certainty.worlds import imagine_worlds
from mixes.laws.fit import LARGE, TaskLaw
from mixes.recommendation.cautions import cautions_of
from mixes.recommendation.problem import Case, Holdings, case_of, spreads
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs

SEARCHED_WORLDS = 40  # where laws are not convex each world's optimum is a search, and takes seconds
LARGE_WORLDS = 40  # where each optimum takes seconds for its size


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
    families_of = {name: {t: w for t, w in one.items() if w} for name, one in case.by_family.items()}
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
        families=families_of,
        standardised=settings.standardise,
        predicted=predicted,
        forgotten={name: case.forgotten(name, predicted[name]) for name in case.own},
        verdict=verdicts,
        summary=sentence(gains, verdicts, case.called),
        cautions=tuple(cautions_of(runs, fits, aim, best.mix, intervals, natural, bounds, noise, families_of)),
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
        "precision": 1.0 if law.precision is None else float(law.precision.max()),
        "errors": law.errors,
        "rank_correlations": law.rank_correlations,
        "behind": law.behind,
        "behind_errors": law.behind_errors,
    }
