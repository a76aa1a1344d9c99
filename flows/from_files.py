"""The question that a swarm in files poses, alone or over an experiment's pool."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.experiment import Experiment
    from mixes.recommendation.question import Question
    from mixes.recommendation.settings import RecommendSettings
    from mixes.tables.join import ScoredSwarm
    from mixes.tables.olmix import OlmixFit


@dataclass(frozen=True)
class SwarmFiles:
    """The files of a swarm, and how they are to be read."""

    metrics: str  # scores: a file, a folder or a glob
    ratios: Path | None = None  # mixes; None takes those that the experiment exported
    families: Path | None = None  # what the metrics mean
    tokens: Path | None = None  # of each domain; an experiment's pool counts its own
    unit: str | None = None  # of all metrics about which nothing else is stated
    rescale: bool = False  # whether mixes that do not sum to one are scaled to it
    allow_stale: bool = False  # whether mixes may be older than the content of the experiment's domains
    olmix: "OlmixFit | None" = None  # Olmix's configuration, where no file or option says otherwise
    notes: tuple[str, ...] = ()  # what of the configuration was replaced
    at: str | None = None  # parameters:tokens that the answer is for, where the runs have several sizes


def read_files(files: SwarmFiles, mixes: Any = None) -> "ScoredSwarm":
    """The runs of a swarm in files, shown on standard error; mixes: a table in place of `files.ratios`.

    Raises:
        MixError: a file cannot be read, or what is in it does not belong together.
    """
    from flows.show.progress import stage_progress
    from flows.show.swarm import note_swarm
    from mixes.tables.read import read_swarm, read_table

    families = files.families or (files.olmix.families if files.olmix else None)
    with stage_progress("read"):
        table = read_table(files.ratios) if files.ratios else mixes
        swarm = read_swarm(table, files.metrics, families, files.unit, files.rescale)
    if files.olmix:
        swarm = replace(swarm, notes=(*(f"olmix: {note}" for note in (*files.notes, *files.olmix.notes)), *swarm.notes))
    note_swarm(swarm)
    return swarm


def question_from_files(
    experiment: "Experiment | None", settings: "RecommendSettings", files: SwarmFiles
) -> "tuple[ScoredSwarm, Question]":
    """The swarm, and what is asked of it.

    Args:
        experiment: whose pool and mixes are meant; None for a swarm that is nobody's.
        settings: target, budget, limits, law, and the coverage of intervals.
        files: the swarm's files.

    Raises:
        ExperimentError, MixError: a file cannot be read, or what is in it does not belong together.
    """
    from mixes.recommendation.from_tables import check_domains, question_of_swarm
    from mixes.tables.read import read_tokens

    if experiment:
        return _over_pool(experiment, settings, files)
    swarm = read_files(files)
    natural, available = None, read_tokens(files.tokens) if files.tokens else None
    what = str(files.tokens)
    if files.olmix:
        swarm, settings = _asked_by_olmix(files.olmix, settings, swarm, pull_to_sizes=files.tokens is None)
        if files.tokens is None:
            natural, what = files.olmix.natural, f"priors of {files.olmix.path}"
            available = dict(files.olmix.tokens) if files.olmix.tokens and settings.budget else None
    for names in (available, natural):
        if names:
            check_domains(what, names, swarm)
    return swarm, question_of_swarm(swarm, settings, available, natural, at=files.at)


def _over_pool(
    experiment: "Experiment", settings: "RecommendSettings", files: SwarmFiles
) -> "tuple[ScoredSwarm, Question]":
    """The swarm of an experiment's exported mixes, or of other mixes of its domains, and what is asked of it."""
    from flows.swarm import exported_mixes
    from flows.trainers.swarm import exported_contents
    from mixes.recommendation.from_tables import check_domains, question_of_swarm
    from mixes.reuse.identity import refuse_stale
    from pipeline.pool.content_hash import domain_contents

    if experiment.proxy.init_from and settings.limits.keep:
        raise ExperimentError(
            "limits.keep: with proxy.init_from a floor is counted from the checkpoint's own scores, and --metrics "
            "holds none — leave keep out, or train the swarm here"
        )
    pool, mixes, seeds = exported_mixes(experiment)
    recorded = exported_contents(files.ratios) if files.ratios else {}
    contents = domain_contents(experiment.corpus.stages, pool.folder)
    refuse_stale(recorded, contents, str(files.ratios), files.allow_stale)
    swarm = read_files(files, mixes)
    available = pool.available({name: source.full_tokens for name, source in experiment.sources.items()})
    check_domains(f"experiment {experiment.name}", available, swarm)
    return swarm, question_of_swarm(swarm, settings, available, pool.natural, experiment.seed, seeds, at=files.at)


def _asked_by_olmix(
    olmix: "OlmixFit", settings: "RecommendSettings", swarm: "ScoredSwarm", pull_to_sizes: bool
) -> "tuple[ScoredSwarm, RecommendSettings]":
    """The settings with the target and the pull of Olmix's configuration, and the swarm with a note on both."""
    from flows.show.progress import note
    from mixes.tables.olmix import words_of

    target = settings.target or olmix.target(swarm.metrics)
    pull = olmix.pull_bpb(swarm.metrics) if settings.pull_bpb is None else settings.pull_bpb
    given = {name: getattr(settings, name) for name in ("budget", "max_epochs", "law")}
    given = {name: value for name, value in given.items() if value is not None and (settings.budget or name == "law")}
    near = dict(olmix.near or {}) if pull_to_sizes else {}
    limits = settings.limits if settings.limits.near else settings.limits.model_copy(update={"near": near})
    line = f"olmix: {olmix.path.name} is read as {words_of(given, target, pull, bool(near))}"
    note("read", line)
    settings = settings.model_copy(update={"target": target, "pull_bpb": pull, "limits": limits})
    return replace(swarm, notes=(line, *swarm.notes)), settings
