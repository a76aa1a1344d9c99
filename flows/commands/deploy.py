"""The command `deploy`: an experiment's flows on a Prefect server, for workers to run."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.options import ExperimentFile
from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.deploy.apply import Applied
    from flows.experiment import Experiment
    from flows.sections.deploy import DeploySettings

SCHEDULED = "optimise-blend"  # by default
CLOCK = "%a %Y-%m-%d %H:%M:%S %Z"


def deploy(
    experiment: ExperimentFile,
    cron: Annotated[str | None, typer.Option(help='A cron expression: "0 3 * * *".')] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Whose clock --cron goes by: Europe/Berlin. Default: UTC.")
    ] = None,
    every: Annotated[float | None, typer.Option(help="Seconds between starts, in place of --cron.")] = None,
    flow: Annotated[
        str,
        typer.Option(
            help="Which flow is scheduled: prepare-corpus, train-swarm, recommend-mix, optimise-blend, refresh."
        ),
    ] = SCHEDULED,
    pool: Annotated[
        str | None, typer.Option(help="Work pool that runs them. Default: the file's, else mixwright.")
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE/NAME",
            help="Webhook or notification block of the server that sends a message when a refresh says `change`.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a prefect.yaml and its automations, and change nothing on a server."),
    ] = None,
) -> None:
    """Register the flows with the Prefect server of PREFECT_API_URL; workers of the pool run them.

    The file's `deploy:` section says when flows start and on what; the options here replace it.
    """
    from flows.deploy.planned import planned
    from flows.experiment import load_experiment

    loaded = load_experiment(experiment)
    settings = _settings(loaded, flow, cron, timezone, every, {"pool": pool, "notify": notify})
    is_scheduled_here = cron is not None or every is not None
    deployments = planned(loaded, experiment, settings, flow if is_scheduled_here else None)
    if out:
        _write(out, deployments, loaded.name, settings)
        return
    from flows.deploy.apply import apply

    address = _checked_server("start a server (`prefect server start`) and set it to its address, or write a "
                              "prefect.yaml with --out")  # fmt: skip
    _print(apply(deployments, settings), deployments, settings, address)


def _checked_server(advice: str) -> str:
    """The address of the server, which answers.

    Raises:
        ExperimentError: none is named, or it does not answer.
    """
    from flows.server import check_server, named_server

    server = named_server()
    if server is None:
        raise ExperimentError(f"deploy: PREFECT_API_URL is not set — {advice}")
    check_server(server)
    return server.address


def _settings(
    loaded: "Experiment",
    flow: str,
    cron: str | None,
    timezone: str | None,
    every: float | None,
    others: dict[str, str | None],
) -> "DeploySettings":
    """The file's section with the options in place of its own."""
    from pydantic import ValidationError

    from flows.sections.deploy import DeploySettings
    from mixes.errors import first_mistake

    given: dict[str, Any] = loaded.deploy.model_dump(exclude_unset=True)
    schedule = {name: value for name, value in {"cron": cron, "timezone": timezone, "every": every}.items() if value}
    if schedule or every is not None:
        given["schedules"] = {**given.get("schedules", {}), flow: {**schedule, "every": every}}
    given |= {name: value for name, value in others.items() if value}
    try:
        return DeploySettings(**given)
    except ValidationError as error:
        raise ExperimentError(f"deploy: {first_mistake(error, DeploySettings)}") from None


def _write(out: Path, deployments: list, name: str, settings: "DeploySettings") -> None:
    from flows.deploy.prefect_yaml import automations_yaml, beside, prefect_yaml
    from flows.deploy.watch import automations
    from flows.outputs import check_file_name, check_writable
    from mixes.errors import cut_short
    from pipeline.store.writing import write_aside

    check_file_name(out)
    if out.suffix not in (".yaml", ".yml"):
        raise ExperimentError(f"--out {cut_short(str(out))}: is no YAML file's name — write for example prefect.yaml")
    check_writable(out.parent, f"--out {out}")
    for file in (out, beside(out)):
        if os.path.lexists(file):
            raise ExperimentError(f"--out {out}: {file} is there already — name another file, or move it away")
    watching = automations(deployments, settings, _action(settings.notify) if settings.notify else None)
    write_aside(out, prefect_yaml(deployments, name, settings.kind, beside(out)).encode())
    write_aside(beside(out), automations_yaml(watching, name, beside(out)).encode())
    print(f"Written {out} — register it with: prefect deploy --all --prefect-file {out}")
    print(f"Written {beside(out)} — create its automations with: prefect automation create --from-file {beside(out)}")


def _action(block: str) -> Any:
    """What tells of a change. An automation names a block by its id, which only the server knows."""
    from prefect.client.orchestration import get_client

    from flows.deploy.notify import notification

    _checked_server("set it to the address of the server that has the block of `notify`")
    with get_client(sync_client=True) as client:
        return notification(client, block)


def _print(applied: "Applied", deployments: list, settings: "DeploySettings", address: str) -> None:
    from mixes.show.console import plain_console
    from mixes.show.recommendation import text_table

    rows = [["deployment", "starts", "next"]]
    for one in deployments:
        words, starts = applied.starts.get(one.flow, ("by hand", ()))
        rows.append([f"{one.flow}/{one.name}", words, "\n".join(f"{start:{CLOCK}}" for start in starts)])
    console = plain_console()
    console.print(text_table(f"On {address}", rows))
    if applied.made_pool:
        console.print(f"Work pool {settings.pool} ({settings.kind}) made.", soft_wrap=True)
    console.print(f"Start a worker: prefect worker start --pool {settings.pool}", soft_wrap=True)
    console.print(
        f"Start a run:    prefect deployment run '{deployments[3].flow}/{deployments[3].name}'", soft_wrap=True
    )
