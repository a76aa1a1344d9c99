"""What leaves the explorer: the mix, the question as YAML, and a trainer's configuration."""

from pathlib import Path

from flows.errors import INPUT_ERRORS, ExperimentError
from flows.explorer.explored import Explored
from flows.explorer.parts import error, paragraph
from flows.trainers.from_pool import handover_of_asked
from flows.trainers.from_tables import handover_of_tables
from flows.trainers.registry import TRAINERS
from flows.trainers.trainer import yaml_text
from flows.trainers.write import write_export
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from pipeline.executor.settings import ExecutorSettings

COPIES_POOL = ("hf-datasets", "levanter", "litdata", "llama-factory", "megatron", "mosaicml", "nanotron", "nemo",
               "torchtitan")  # fmt: skip
WITHOUT = "It is planned by the tokens of each domain: start explore with --tokens."
FOLDER = "explorer"  # in the workspace


def mix_yaml(recommendation: Recommendation) -> str:
    """What `recommend-mix --out` writes."""
    return yaml_text(
        {"id": recommendation.id, "mix": {name: round(weight, 6) for name, weight in recommendation.mix.items()}}
    )


def recommend_yaml(settings: RecommendSettings) -> str:
    """The `recommend:` section of an experiment file that asks the same, without what is left at its default."""
    plain = settings.model_dump(mode="json", exclude_defaults=True)
    return yaml_text({"recommend": plain}) if plain else "recommend: {}\n"


def formats(explored: Explored) -> list[str]:
    """Trainers that can be written for here: those whose configuration does not need a copy of the pool."""
    if explored.experiment and explored.findings.corpus:
        return [name for name in TRAINERS if name not in COPIES_POOL]
    if explored.tokens is None:
        return []
    return [name for name, trainer in TRAINERS.items() if trainer.counts != "documents"]


def write_trainer(name: str, explored: Explored, question: Question, recommendation: Recommendation) -> Path:
    """Write a trainer's configuration into the workspace; returns its folder, named by format and recommendation.

    Raises:
        ExperimentError: the format is not among `formats`, or the folder holds something else.
    """
    if name not in formats(explored):
        raise ExperimentError(f"export {name}: is not written here — use mixwright export")
    trainer = TRAINERS[name]
    folder = explored.workspace / FOLDER / f"{name}-{recommendation.id.removeprefix('recommendation-')}"
    folder.parent.mkdir(exist_ok=True)
    if explored.experiment and explored.findings.corpus:
        plan = handover_of_asked(recommendation, explored.experiment, question.settings)
    else:
        assert explored.tokens  # or there would be no formats
        plan = handover_of_tables(recommendation, explored.tokens, trainer)
    write_export(plan, trainer, folder, explored.experiment.executor if explored.experiment else ExecutorSettings())
    return folder


def written(name: str, explored: Explored, question: Question, recommendation: Recommendation) -> str:
    """The same; returns HTML that says where it is, or why it is not."""
    try:
        folder = write_trainer(name, explored, question, recommendation)
    except (*INPUT_ERRORS, OSError) as mistake:
        return error(str(mistake))
    return paragraph(f"Written to {folder}; README.md there says how to use it.")
