"""The command `gc`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import AsJson, ExperimentFile

if TYPE_CHECKING:
    from flows.gc.gc import Leftovers


def gc(
    experiment: ExperimentFile,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is listed.")] = False,
    interrupted: Annotated[
        bool, typer.Option("--interrupted", help="Include half-made stages that an interrupted run would go on with.")
    ] = False,
    stale_runs: Annotated[
        bool,
        typer.Option(
            "--stale-runs", help="Mark runs on the Prefect server that gave no sign of life for an hour as crashed."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what no current record needs, by kind and size. Nothing is deleted without --delete.

    Experiments that share the work folder, standing recommendations and blends keep what they need.
    """
    from flows.experiment import load_experiment
    from flows.gc.gc import delete_leftovers, find_leftovers

    loaded = load_experiment(experiment)
    crashed = None
    if stale_runs:
        from flows.gc.stale_runs import flush_stale_runs

        crashed = flush_stale_runs()
    found = (delete_leftovers if delete else find_leftovers)(loaded, interrupted)
    if as_json:
        print(json.dumps(_plain(found, delete, crashed), indent=1))
        return
    _print(found, loaded.name, delete, crashed)


def _plain(found: "Leftovers", deleted: bool, crashed: int | None) -> dict:
    items = [{**asdict(item), "path": str(item.path), "name": item.path.name} for item in found.items]
    return {
        "deleted": deleted,
        "bytes": found.bytes,
        "items": items,
        "kept": [asdict(kept) for kept in found.kept],
        "in_use": list(found.in_use),
        "stale_runs": crashed,
    }


def _print(found: "Leftovers", name: str, deleted: bool, crashed: int | None) -> None:
    from flows.gc.table import lines_of_kept, sized, table_of_leftovers
    from mixes.show.console import plain_console
    from mixes.show.recommendation import text_table

    console = plain_console()
    if found.items:
        console.print(text_table(f"{name}: what no current record needs", table_of_leftovers(found)))
    else:
        console.print(f"{name}: every stage is needed." if not found.in_use else f"{name}: nothing was deleted.")
    lines = lines_of_kept(found)
    lines += [f"{stage} is in use by another process and stays." for stage in found.in_use]
    if crashed is not None:
        lines.append(f"{crashed} stale runs on the Prefect server were marked as crashed.")
    if deleted:
        lines.append(f"Deleted: {len(found.items)} items, {sized(found.bytes)}.")
    elif found.items:
        lines.append("Nothing was deleted. Give the command with --delete to delete what is listed.")
    for line in lines:
        console.print(line, soft_wrap=True)
