"""The command `export`: a recommendation as a trainer's own configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import AsJson, ExperimentFile

if TYPE_CHECKING:
    from flows.trainers.handover import HandOver
    from flows.trainers.trainer import Trainer, Written

FORMATS = (
    "olmo-core, megatron, nemo, hf-datasets, mosaicml, nanotron, litdata, llama-factory, levanter, torchtitan, olmix, "
    "json"
)

Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"Trainer to write for: {FORMATS}.")]
RecommendationId = Annotated[
    str | None, typer.Option(metavar="ID", help="Id of a recommendation, or its beginning. Default: the latest.")
]


def export(
    experiment: ExperimentFile,
    format_: Format,
    recommendation: RecommendationId = None,
    tokens: Annotated[
        str | None, typer.Option(help="Tokens of your training run: 10B. Default: the recommendation's own budget.")
    ] = None,
    global_batch: Annotated[
        str | None, typer.Option(help="Tokens of your trainer's global batch: tokens are cut to whole batches.")
    ] = None,
    sequence: Annotated[
        int, typer.Option(min=8, max=16_777_216, help="Tokens of a sample, for formats that hold samples (mosaicml).")
    ] = 2_048,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder to write; an earlier export there is replaced. Default: export/FORMAT."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a recommendation as a trainer's own configuration over the pool's files, with planned tokens and epochs."""
    from flows.trainers.registry import trainer_named

    trainer = trainer_named(format_)
    wanted, batch = _count("tokens", tokens), _count("global-batch", global_batch)
    folder = out or Path("export") / trainer.name
    from flows.trainers.folder import check_folder

    check_folder(folder, "--out")
    from flows.experiment import load_experiment
    from flows.recommended import find_recommendation
    from flows.trainers.from_pool import handover_of
    from flows.trainers.readme import as_json as json_text
    from flows.trainers.write import write_export

    loaded = load_experiment(experiment)
    plan = handover_of(find_recommendation(loaded, recommendation), wanted, batch)
    written, record = write_export(plan, trainer, folder, loaded.executor, sequence)
    if as_json:
        print(json_text(record))
        return
    print_export(plan, trainer, written, folder)


def _count(option: str, text: str | None) -> int | None:
    """A number of tokens as an option has it."""
    from flows.errors import ExperimentError
    from mixes.budget import parse_tokens
    from mixes.errors import MixError

    try:
        return parse_tokens(text) if text is not None else None
    except MixError as error:
        raise ExperimentError(str(error).replace("budget:", f"--{option}", 1)) from None


def print_export(plan: "HandOver", trainer: "Trainer", written: "Written", folder: Path) -> None:
    """The table of planned tokens and epochs, remarks, and where the files are."""
    from flows.trainers.readme import remarks, table_rows
    from mixes.show.console import plain_console
    from mixes.show.recommendation import text_table

    console = plain_console()
    console.print(text_table(f"{plan.recommendation} for {trainer.title}", table_rows(plan, trainer, written)))
    for line in (trainer.explained, *remarks(plan, written)):
        console.print(line, soft_wrap=True)
    console.print(f"Written to {folder}; {folder / 'README.md'} says how to use it.", soft_wrap=True)
