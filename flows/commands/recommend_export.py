"""`recommend --export FORMAT:DIR`: what was just recommended as a trainer's own configuration."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.export import print_export
from flows.errors import ExperimentError
from mixes.errors import cut_short

if TYPE_CHECKING:
    from flows.experiment import Experiment
    from flows.trainers.trainer import Trainer
    from mixes.recommendation.result import Recommendation
    from mixes.recommendation.settings import RecommendSettings

OPTION = "--export"


def asked_exports(given: Sequence[str], pool: bool, tokens: Path | None) -> "list[tuple[Trainer, Path]]":
    """Trainer and folder of each `FORMAT:DIR`, checked before anything is computed.

    pool: whether there is an experiment; tokens: the table of tokens, without which a swarm from files has no epochs.

    Raises:
        ExperimentError: an unknown format, a folder that cannot be written, or no tokens.
    """
    if not given:
        return []
    from flows.trainers.folder import check_folder
    from flows.trainers.registry import trainer_named

    exports = []
    for text in given:
        name, colon, folder = text.partition(":")
        if not (colon and folder):
            raise ExperimentError(f"{OPTION} {cut_short(text)}: write FORMAT:DIR, as megatron:export/megatron")
        exports.append((trainer_named(name, OPTION), Path(folder)))
        check_folder(Path(folder), OPTION)
    if len({folder.absolute() for _, folder in exports}) < len(exports):
        raise ExperimentError(f"{OPTION}: two exports go to one folder — name another for one of them")
    if pool:
        return exports
    if tokens is None:
        raise ExperimentError(f"{OPTION} {given[0]}: needs --tokens, by which tokens and epochs of domains are planned")
    from flows.trainers.from_tables import check_documents

    for trainer, _ in exports:
        if trainer.counts == "documents":
            check_documents(tokens, trainer)
    return exports


def write_for(
    trainer: "Trainer",
    folder: Path,
    recommendation: "Recommendation",
    experiment: "Experiment | None",
    settings: "RecommendSettings",
    tokens: Path | None,
) -> Callable[[], None]:
    """Write the export; returns what prints its table."""
    from flows.trainers.write import write_export
    from pipeline.executor.settings import ExecutorSettings

    if experiment:
        from flows.trainers.from_pool import handover_of_asked

        plan = handover_of_asked(recommendation, experiment, settings)
    else:
        from flows.trainers.from_tables import handover_of_tables

        assert tokens  # checked by asked_exports
        plan = handover_of_tables(recommendation, tokens, trainer)
    executor = experiment.executor if experiment else ExecutorSettings()
    written, _ = write_export(plan, trainer, folder, executor, option=OPTION)
    return partial(print_export, plan, trainer, written, folder)
