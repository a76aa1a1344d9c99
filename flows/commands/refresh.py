"""The command `refresh`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands.options import AsJson, ExperimentFile

SAYS = {"unchanged": "Keep it: nothing changed.", "keep": "Keep it.", "change": "Change it."}


def refresh(
    experiment: ExperimentFile,
    standing: Annotated[
        str | None,
        typer.Option(
            help="Id of the recommendation that stands, or its beginning. Default: what the last refresh left "
            "standing, or the latest since."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the sources: should the standing recommendation be kept or changed?

    Only new and changed shards are filtered. Proxies train only where a domain moved past `refresh.moved`.
    """
    from flows.experiment import load_experiment
    from flows.refresh.refresh import refresh_flow
    from flows.show.refresh import tables_of_refresh
    from mixes.show.console import plain_console
    from mixes.show.recommendation import text_table

    done = refresh_flow(load_experiment(experiment), standing)
    if as_json:
        print(json.dumps(asdict(done), indent=1))
        return
    console = plain_console()
    console.print(f"{SAYS[done.verdict]} {done.reason}", soft_wrap=True)
    for title, rows in tables_of_refresh(done):
        console.print(text_table(title, rows))
    if done.seen:
        total = sum(done.seen.values())
        console.print(
            f"The training has seen {total:,.0f} tokens; the last column is the mix for the rest of it.",
            soft_wrap=True,
        )
    console.print(f"Standing: {done.standing}. {done.proxies} proxies trained, {done.seconds:.0f} s.", soft_wrap=True)
