"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

ExperimentFile = Annotated[Path, typer.Argument(metavar="EXP.yaml", help="The experiment file.")]
Ratios = Annotated[
    Path | None, typer.Option(help="Mixes of a swarm, CSV or Parquet: a key (run, run_id, name, index), domains.")
]
Metrics = Annotated[
    str | None, typer.Option(help="Its scores: the same key, metrics; or a folder or glob of lm-eval's or OLMES' JSON.")
]
Families = Annotated[Path | None, typer.Option(help="YAML: family → metrics, with unit and direction.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
