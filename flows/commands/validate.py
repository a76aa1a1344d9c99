"""The command `validate`."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands.options import AsJson, ExperimentFile
from flows.experiment import load_experiment


def validate(
    experiment: ExperimentFile,
    seeds: Annotated[int, typer.Option(min=2, help="Proxies a mix.")] = 3,
    size: Annotated[
        str | None, typer.Option(help="Size of the proxies; default: the next on the ladder above the swarm's.")
    ] = None,
    multiple: Annotated[float, typer.Option(min=0.1, help="Tokens, as a multiple of the swarm's proxies'.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Train natural, uniform and the recommendation anew, larger and with several seeds, and say what came true.

    The recommended mix also trains on a half and a quarter of the tokens: how many times fewer it needs than natural.
    """
    from rich.console import Console

    from flows.validate import validate_flow
    from flows.validation_table import print_validation

    loaded = load_experiment(experiment)
    done = validate_flow(loaded, seeds, size, multiple)
    if as_json:
        print(json.dumps(asdict(done), indent=1))
        return
    print_validation(done, loaded.swarm.max_epochs, Console(width=None if sys.stdout.isatty() else 120))
