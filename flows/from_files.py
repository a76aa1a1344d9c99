"""The question that a swarm in files poses, alone or over an experiment's pool."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.experiment import Experiment
    from mixes.recommendation.question import Question
    from mixes.tables.join import ScoredSwarm


def question_from_files(
    experiment: "Experiment | None", settings: Any, ratios: Path | None, metrics: str, families: Path | None,
    tokens: Path | None, allow_stale: bool = False, at: str | None = None,
) -> "tuple[ScoredSwarm, Question]":  # fmt: skip
    """The swarm, and what is asked of it.

    Args:
        experiment: whose pool and mixes are meant; None for a swarm that is nobody's.
        settings: target, budget, limits, law, and the coverage of intervals.
        ratios: mixes; None takes those that the experiment exported.
        metrics: scores: a file, a folder or a glob.
        families: what the metrics mean.
        tokens: of each domain; an experiment's pool counts its own.
        at: parameters:tokens that the answer is for, where the runs have several sizes.
        allow_stale: whether mixes may be older than the content of the experiment's domains.

    Raises:
        ExperimentError, MixError: a file cannot be read, or what is in it does not belong together.
    """
    from flows.show.progress import stage_progress
    from flows.show.swarm import note_swarm
    from mixes.recommendation.from_tables import check_domains, question_of_swarm
    from mixes.tables.read import read_swarm, read_table, read_tokens

    seeds: dict[str, int] = {}
    if experiment:
        if experiment.proxy.init_from and settings.limits.keep:
            raise ExperimentError(
                "limits.keep: with proxy.init_from a floor is counted from the checkpoint's own scores, and --metrics "
                "holds none — leave keep out, or train the swarm here"
            )
        from flows.swarm import exported_mixes
        from flows.trainers.swarm import exported_contents
        from mixes.reuse.identity import refuse_stale
        from pipeline.pool.content_hash import domain_contents

        pool, mixes, seeds = exported_mixes(experiment)
        recorded = exported_contents(ratios) if ratios else {}
        refuse_stale(recorded, domain_contents(experiment.corpus.stages, pool.folder), str(ratios), allow_stale)
    with stage_progress("read"):
        swarm = read_swarm(read_table(ratios) if ratios else mixes, metrics, families)
    note_swarm(swarm)
    natural, available = None, read_tokens(tokens) if tokens else None
    if experiment:
        natural = pool.natural
        available = pool.available({name: source.full_tokens for name, source in experiment.sources.items()})
    if available:
        check_domains(f"experiment {experiment.name}" if experiment else str(tokens), available, swarm)
    seed = experiment.seed if experiment else 0
    return swarm, question_of_swarm(swarm, settings, available, natural, seed, seeds, at=at)
