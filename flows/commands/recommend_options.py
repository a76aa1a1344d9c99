"""Options that replace fields of the experiment file's `recommend:` section."""

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    list[str] | None, typer.Option(help="family=weight or task=weight; repeatable. Default: the mean over families.")
]
Budget = Annotated[str | None, typer.Option(help="Tokens of your training run: 6T, 300B, 25M.")]
MaxEpochs = Annotated[
    float | None, typer.Option(help="Largest number of times that a domain may repeat at the budget.")
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        help="family=0.02: by the laws, its bpb may be at most 0.02 worse than natural's, or with proxy.init_from "
        "than the checkpoint's; repeatable."
    ),
]
BoundOption = Annotated[
    list[str] | None, typer.Option(help="web/*=0.3:0.8 (their sum), code=:0.5 or books=0.1 (exactly); repeatable.")
]
Closest = Annotated[
    float | None, typer.Option(help="0.9: take the mix closest to natural that reaches 90 % of the possible gain.")
]
Robust = Annotated[
    bool, typer.Option("--robust", help="Maximise the average gain over the worst 10 % of simulated worlds.")
]
Standardise = Annotated[
    str | None,
    typer.Option(help="noise or spread: measure each task in units of its noise, or of its spread over mixes."),
]
MixFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--mix", help="YAML file of a mix of your own, domain: share, to score beside the recommended one; repeatable."
    ),
]
LawName = Annotated[str | None, typer.Option(help="Law for every task. Default: auto, chosen by cross-validation.")]
