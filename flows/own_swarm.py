"""A recommendation from anyone's swarm: runs that were read from files instead of trained here."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flows.errors import ExperimentError
from mixes.budget import budget_tokens
from mixes.certainty.noise import OVERALL
from mixes.recommendation.problem import Holdings
from mixes.recommendation.recommend import recommend
from mixes.recommendation.result import Predicted, Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.tables.join import ScoredSwarm
from mixes.tables.keys import listed
from mixes.tables.metrics import Metric, check_one_unit
from mixes.target import family_weights, task_weights


@dataclass(frozen=True)
class Origin:
    """What `recommend-mix --json` adds as `swarm` where the runs come from files."""

    joined_by: str  # key column of the two files
    metrics: dict[str, Metric]  # metric → family, unit and direction; `predicted` is in these units
    notes: tuple[str, ...]  # what was ignored or repaired


def origin_of(swarm: ScoredSwarm) -> Origin:
    """What a recommendation from `swarm` rests on."""
    return Origin(swarm.key, dict(swarm.metrics), swarm.notes)


def recommend_from_files(
    swarm: ScoredSwarm,
    tokens: Mapping[str, float] | None,
    natural: Mapping[str, float] | None,
    settings: RecommendSettings,
    seed: int,
    evidence: Mapping[str, str],
    seeds: Mapping[str, int] | None = None,
) -> Recommendation:
    """The best mix for `settings.target`, every score in its metric's own direction and unit.

    tokens: domain → tokens that can be had; without them nothing pulls to natural, no epochs are counted, and the
    mix is compared with the swarm's centre. natural: domain → share, if it is not the share of `tokens`. seeds: run →
    the seed that it was trained with, where it is known.

    Raises:
        ExperimentError: tokens of other domains, or a budget without tokens.
        MixError: an unknown target, one of two units, too few runs, an infeasible problem.
    """
    families = {task: metric.family for task, metric in swarm.metrics.items()}
    weights = task_weights(settings.target, families)
    if settings.standardise is None:
        check_one_unit("target", (task for task, weight in weights.items() if weight), swarm.metrics)
    for family, aim in family_weights(families).items():
        check_one_unit(f"family {family!r}", (task for task, weight in aim.items() if weight), swarm.metrics)
    if tokens:
        budget = budget_tokens(settings.budget, tokens)
        natural = natural or {name: count / sum(tokens.values()) for name, count in tokens.items()}
        holdings = Holdings(natural, tokens, budget)
    elif settings.budget:
        raise ExperimentError("--budget: epochs can only be counted with --tokens — name a file of domain,tokens")
    else:
        holdings = Holdings()
    found = recommend(swarm.runs, families, holdings, settings, seed, evidence, seeds, _note)
    return _own_direction(found, swarm.metrics)


def check_domains(what: str, names: Mapping[str, float], swarm: ScoredSwarm) -> None:
    """Refuse names that are not the swarm's domains.

    Raises:
        ExperimentError: with both lists.
    """
    mine, theirs = sorted(set(names) - set(swarm.runs.domains)), sorted(set(swarm.runs.domains) - set(names))
    if mine or theirs:
        parts = [f"only in {what}: {listed(mine)}"] if mine else []
        parts += [f"only in the swarm: {listed(theirs)}"] if theirs else []
        raise ExperimentError(f"{what} and the swarm have different domains — {'; '.join(parts)}")


def hash_evidence(swarm: ScoredSwarm, tokens: Mapping[str, float] | None) -> dict[str, str]:
    """Hashes of what a recommendation rests on: of the contents, whatever the files' form."""
    runs = swarm.runs
    digest = hashlib.sha256(json.dumps([runs.ids, runs.domains, runs.tasks]).encode())
    for row in (*runs.weights(), *runs.scores()):
        digest.update(row.tobytes())
    counted = {"tokens": hashlib.sha256(json.dumps(sorted(tokens.items())).encode()).hexdigest()[:12]} if tokens else {}
    return {"runs": digest.hexdigest()[:12], **counted}


def print_notes(swarm: ScoredSwarm) -> None:
    """What was read, ignored and repaired, to standard error."""
    size = f"{len(swarm.runs):,} runs, {len(swarm.runs.domains):,} domains, {len(swarm.runs.tasks):,} metrics"
    for note in (size, *swarm.notes):
        _note(note)


def _note(text: str) -> None:
    print(f"note         {text}", file=sys.stderr, flush=True)


def _own_direction(found: Recommendation, metrics: Mapping[str, Metric]) -> Recommendation:
    """Scores of which more is better with their own sign; a gain is a gain in either direction."""
    target = next(task for task, weight in found.target.items() if weight)
    of = {metric.family: metric for metric in metrics.values()} | dict(metrics)
    if found.standardised is None:
        of[OVERALL] = metrics[target]
    turned = {name for name, metric in of.items() if metric.direction == "higher"}
    return replace(
        found,
        predicted={name: _turned(row) if name in turned else row for name, row in found.predicted.items()},
        marginal={
            domain: {name: -value if name in turned else value for name, value in row.items()}
            for domain, row in found.marginal.items()
        },
        front=tuple(
            replace(one, predicted={n: -value if n in turned else value for n, value in one.predicted.items()})
            for one in found.front
        ),
    )


def _turned(row: Predicted) -> Predicted:
    return replace(
        row, mix=-row.mix, natural=-row.natural, uniform=-row.uniform, mix_low=-row.mix_high, mix_high=-row.mix_low
    )
