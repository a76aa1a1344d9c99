"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

ExperimentFile = Annotated[Path, typer.Argument(metavar="EXP.yaml", help="The experiment file.")]
Ratios = Annotated[
    Path | None,
    typer.Option(help="Mixes of a swarm, CSV or Parquet: a key (run, run_id, name or index) and a column per domain."),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        help="The swarm's scores: the same key and a column per metric; or lm-eval's or OLMES' JSON (a folder or glob)."
    ),
]
Families = Annotated[Path | None, typer.Option(help="YAML file of each family's metrics, with unit and direction.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
At = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="1B:20B (parameters:tokens): the size that the answer is for, where the runs have several sizes.",
    ),
]
