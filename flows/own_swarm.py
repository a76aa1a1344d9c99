"""A recommendation from anyone's swarm: runs that were read from files instead of trained here."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from flows.errors import ExperimentError
from mixes.budget import epoch_caps, parse_tokens
from mixes.keys import listed
from mixes.metrics import Metric, check_one_unit
from mixes.recommend import OVERALL, Predicted, Recommendation, recommend
from mixes.settings import RecommendSettings
from mixes.tables import ScoredSwarm
from mixes.target import family_weights, task_weights

CENTRE = "centre"  # of the swarm: the mean of its mixes
NATURAL = "natural"


@dataclass(frozen=True)
class Origin:
    """What `recommend-mix --json` adds as `swarm` where the runs come from files."""

    compared_with: str  # what `natural` stands for: the natural mix, or without --tokens the swarm's centre
    joined_by: str  # key column of the two files
    metrics: dict[str, Metric]  # metric → family, unit and direction; `predicted` is in these units
    notes: tuple[str, ...]  # what was ignored or repaired


def origin_of(swarm: ScoredSwarm, tokens: Mapping[str, float] | None) -> Origin:
    """What a recommendation from `swarm` rests on."""
    return Origin(NATURAL if tokens else CENTRE, swarm.key, dict(swarm.metrics), swarm.notes)


def recommend_from_files(
    swarm: ScoredSwarm,
    tokens: Mapping[str, float] | None,
    natural: Mapping[str, float] | None,
    settings: RecommendSettings,
    seed: int,
    evidence: Mapping[str, str],
) -> Recommendation:
    """The best mix for `settings.target`, every score in its metric's own direction and unit.

    tokens: domain → tokens that can be had; without them nothing pulls to natural, no epochs are counted, and the
    mix is compared with the swarm's centre. natural: domain → share, if it is not the share of `tokens`.

    Raises:
        ExperimentError: tokens of other domains, or a budget without tokens.
        MixError: an unknown target, one of two units, too few runs, an infeasible problem.
    """
    domains = swarm.runs.domains
    families = {task: metric.family for task, metric in swarm.metrics.items()}
    weights = task_weights(settings.target, families)
    check_one_unit("target", (task for task, weight in weights.items() if weight), swarm.metrics)
    for family, aim in family_weights(families).items():
        check_one_unit(f"family {family!r}", (task for task, weight in aim.items() if weight), swarm.metrics)
    if tokens:
        budget = parse_tokens(settings.budget) if settings.budget else sum(tokens.values())
        available = dict(tokens)
        caps = epoch_caps(available, budget, settings.max_epochs)
        reference = dict(natural or {name: count / sum(tokens.values()) for name, count in tokens.items()})
    else:
        if settings.budget:
            raise ExperimentError("--budget: epochs can only be counted with --tokens — name a file of domain,tokens")
        budget, caps = 0, dict.fromkeys(domains, 1.0)
        available = dict.fromkeys(domains, 1.0)
        reference = dict(zip(domains, np.mean(swarm.runs.by_mix().weights(), axis=0).tolist(), strict=True))
        settings = settings.model_copy(update={"pull": 0.0})
    found = recommend(swarm.runs, families, reference, available, caps, budget, settings, seed, evidence)
    found = replace(found, predicted=_own_direction(found, swarm.metrics))
    return found if tokens else replace(found, epochs={}, caps={})


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
        print(f"note         {note}", file=sys.stderr, flush=True)


def _own_direction(found: Recommendation, metrics: Mapping[str, Metric]) -> dict[str, Predicted]:
    """Predicted scores of which more is better with their own sign; a gain is a gain in either direction."""
    target = next(task for task, weight in found.target.items() if weight)
    of = {metric.family: metric for metric in metrics.values()} | dict(metrics) | {OVERALL: metrics[target]}
    return {
        name: replace(row, mix=-row.mix, natural=-row.natural, uniform=-row.uniform)
        if of[name].direction == "higher"
        else row
        for name, row in found.predicted.items()
    }
