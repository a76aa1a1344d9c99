"""The command `validate`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands.options import AsJson, ExperimentFile
from flows.commands.recommend_options import (
    BoundOption,
    Budget,
    Closest,
    Keep,
    LawName,
    MaxEpochs,
    Robust,
    Standardise,
    Target,
)
from flows.settings.asked import asked


def validate(
    experiment: ExperimentFile,
    target: Target = None,
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    keep: Keep = None,
    bound: BoundOption = None,
    closest: Closest = None,
    robust: Robust = False,
    standardise: Standardise = None,
    law: LawName = None,
    seeds: Annotated[int, typer.Option(min=2, max=1_000, help="Proxies per mix.")] = 3,
    size: Annotated[
        str | None, typer.Option(help="Size of the proxies. Default: the next larger than the swarm's.")
    ] = None,
    multiple: Annotated[float, typer.Option(min=0.1, help="Training tokens, as a multiple of the swarm's.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Train natural, uniform and the recommended mix again, larger and with several seeds, and compare.

    The recommended mix also trains on a half and a quarter of the tokens, which shows how many fewer tokens it needs
    than natural. The options of `recommend-mix` choose the mix that is tested.
    """

    from flows.experiment import load_experiment
    from flows.show.validation import print_validation
    from flows.validate import validate_flow
    from mixes.show.console import plain_console

    loaded = load_experiment(experiment)
    settings = asked(
        loaded, target, keep, bound, closest, budget=budget, max_epochs=max_epochs, law=law, standardise=standardise,
        robust=robust or None,
    )  # fmt: skip
    done = validate_flow(loaded, settings, seeds, size, multiple)
    if as_json:
        print(json.dumps(asdict(done), indent=1))
        return
    print_validation(done, loaded.swarm.max_epochs, plain_console())
