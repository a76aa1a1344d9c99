"""The question about a swarm that was read from files, and the answer in the files' own units."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.optimum.holdings import Holdings
from mixes.recommendation.question import Question
from mixes.recommendation.result import Predicted, Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.sizes import size_at
from mixes.tables.join import ScoredSwarm
from mixes.tables.keys import listed
from mixes.tables.metrics import Metric, check_one_unit
from mixes.tables.tokens import natural_mix
from mixes.target import OVERALL, family_weights, task_weights


@dataclass(frozen=True)
class Origin:
    """What `recommend-mix --json` adds as `swarm` where the runs come from files."""

    joined_by: str  # key column of the two files
    metrics: dict[str, Metric]  # metric → family, unit and direction; `predicted` is in these units
    notes: tuple[str, ...]  # what was ignored or repaired


def origin_of(swarm: ScoredSwarm) -> Origin:
    """What a recommendation from `swarm` rests on."""
    return Origin(swarm.key, dict(swarm.metrics), swarm.notes)


def question_of_swarm(
    swarm: ScoredSwarm,
    settings: RecommendSettings,
    tokens: Mapping[str, float] | None = None,
    natural: Mapping[str, float] | None = None,
    seed: int = 0,
    seeds: Mapping[str, int] | None = None,
    checkpoint: Mapping[str, float] | None = None,
    at: str | None = None,
) -> Question:
    """Which mix is best for `settings.target`, by a swarm that was read from files.

    Args:
        swarm: the runs, and what their metrics mean.
        settings: target, budget, limits, law, and the coverage of intervals.
        tokens: domain → available tokens. Without them nothing pulls the mix to natural, no epochs are counted, and the
            mix is compared with the swarm's centre, unless `natural` is given.
        natural: domain → share; None takes the shares of `tokens`.
        seed: of folds, imagined worlds and searches.
        seeds: run → the seed that its proxy was trained with; None takes those that the table of mixes holds.
        checkpoint: task → score of the checkpoint that all proxies started from, where there is one.
        at: parameters:tokens of the proxies that the answer is for, where the runs have several sizes.

    Raises:
        MixError: an unknown target, a target over two units, or a budget without tokens.
    """
    families = {task: metric.family for task, metric in swarm.metrics.items()}
    weights = task_weights(settings.target, families)
    if settings.standardise is None:
        check_one_unit("target", (task for task, weight in weights.items() if weight), swarm.metrics)
    for family, aim in family_weights(families).items():
        check_one_unit(f"family {family!r}", (task for task, weight in aim.items() if weight), swarm.metrics)
    if tokens and not natural:
        natural = natural_mix(tokens)
    holdings = Holdings(natural, tokens or None) if natural else Holdings()
    evidence = hash_evidence(swarm, tokens)
    size = None if at is None else size_at(at, swarm.runs.sizes)
    return Question(swarm.runs, families, holdings, settings, seed, seeds or swarm.seeds, checkpoint, evidence, size)


def check_domains(what: str, names: Mapping[str, float], swarm: ScoredSwarm) -> None:
    """Refuse names that are not the swarm's domains.

    Raises:
        MixError: with both lists.
    """
    only_named, only_in_swarm = (
        sorted(set(names) - set(swarm.runs.domains)),
        sorted(set(swarm.runs.domains) - set(names)),
    )
    if only_named or only_in_swarm:
        parts = [f"only in {what}: {listed(only_named)}"] if only_named else []
        parts += [f"only in the swarm: {listed(only_in_swarm)}"] if only_in_swarm else []
        raise MixError(f"{what} and the swarm have different domains — {'; '.join(parts)}")


def hash_evidence(swarm: ScoredSwarm, tokens: Mapping[str, float] | None) -> dict[str, str]:
    """Hashes of what a recommendation rests on: of the contents, not of the files' format."""
    runs = swarm.runs
    digest = hashlib.sha256(json.dumps([runs.ids, runs.domains, runs.tasks]).encode())
    for row in (*runs.weights(), *runs.scores()):
        digest.update(row.tobytes())
    counted = {"tokens": short_hash(json.dumps(sorted(tokens.items())))} if tokens else {}
    return {"runs": digest.hexdigest()[:12], **counted}


def in_own_direction(recommendation: Recommendation, metrics: Mapping[str, Metric]) -> Recommendation:
    """Scores of which more is better get their own sign back; gains stay as they are."""
    target = next(task for task, weight in recommendation.target.items() if weight)
    metric_of = {metric.family: metric for metric in metrics.values()} | dict(metrics)
    if recommendation.standardised is None:
        metric_of[OVERALL] = metrics[target]
    turned = {name for name, metric in metric_of.items() if metric.direction == "higher"}
    return replace(
        recommendation,
        predicted={name: _turned(row) if name in turned else row for name, row in recommendation.predicted.items()},
        marginal={
            domain: {name: -value if name in turned else value for name, value in row.items()}
            for domain, row in recommendation.marginal.items()
        },
        front=tuple(
            replace(point, predicted={n: -value if n in turned else value for n, value in point.predicted.items()})
            for point in recommendation.front
        ),
    )


def _turned(row: Predicted) -> Predicted:
    return replace(
        row, mix=-row.mix, natural=-row.natural, uniform=-row.uniform, mix_low=-row.mix_high, mix_high=-row.mix_low
    )
