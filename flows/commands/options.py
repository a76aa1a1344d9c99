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
Tokens = Annotated[
    Path | None,
    typer.Option(help="CSV of domain,tokens (3T, 1.5e12), or YAML, for the natural mix and epoch caps."),
]
Unit = Annotated[
    str | None,
    typer.Option(
        help="What all metrics count: bpb, nats per token, perplexity or accuracy; families may say otherwise."
    ),
]
Rescale = Annotated[
    bool, typer.Option("--rescale", help="Scale mixes to sum to 1, such as percentages or counts of tokens.")
]
Olmix = Annotated[
    Path | None,
    typer.Option(
        help="Olmix's fit configuration: its files, priors, families, weights, caps and KL; options go first."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
At = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="1B:20B (parameters:tokens): the size that the answer is for, where the runs have several sizes.",
    ),
]
