"""The command `status`."""

import json
from dataclasses import asdict

from flows.commands.options import AsJson, ExperimentFile


def status(experiment: ExperimentFile, as_json: AsJson = False) -> None:
    """Show what is finished, running, interrupted or stale. It reads the work folder and needs no server."""
    from flows.experiment import load_experiment
    from flows.status import SHOWN, status_of

    found = status_of(load_experiment(experiment))
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    from mixes.show.console import plain_console
    from mixes.show.recommendation import text_table

    console = plain_console()
    rows = [["part", "state", "detail"], *([part.name, part.state, part.detail] for part in found.parts)]
    console.print(text_table(found.experiment, rows))
    for part in found.parts:
        for line in part.so_far:
            console.print(f"{part.name} so far: {line}", soft_wrap=True)
        for line in part.failed[:SHOWN]:
            console.print(f"{part.name}: {line}", soft_wrap=True)
        if len(part.failed) > SHOWN:
            console.print(f"{part.name}: {len(part.failed) - SHOWN} more ranks failed", soft_wrap=True)
    console.print(f"Next: {found.next} {experiment}", soft_wrap=True)
