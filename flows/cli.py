"""The command line: `mixwright`, and `recommend-mix` for its third flow alone.

Commands import what they need when they run: `--help` answers at once, and workers of the heavy stages load this
module too.
"""

import atexit
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.blend import blend, verify_blend
from flows.commands.catalog import catalog
from flows.commands.demo import demo
from flows.commands.deploy import deploy
from flows.commands.explore import explore
from flows.commands.export import export
from flows.commands.gc import gc
from flows.commands.new import new
from flows.commands.options import ExperimentFile
from flows.commands.plan import plan
from flows.commands.query import dropped, sql
from flows.commands.recommend import recommend
from flows.commands.refresh import refresh
from flows.commands.report import report
from flows.commands.status import status
from flows.commands.swarm import check_law, swarm
from flows.commands.validate import validate
from flows.errors import (
    INPUT_ERRORS,
    ExperimentError,
    failed_ranks,
    machine_failure,
    missing_package,
    named_as_options,
    path_mistake,
)
from flows.stopping import Stopped, stop_on_signals
from mixes.show.printable import bounded
from mixes.show.secrets import masked

DEBUG = "--debug"
LONGEST = 100_000  # characters of an error that are looked at
Debug = Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error, and Prefect's log.")]


def sample(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the sample.")]) -> None:
    """Build the sample corpus and suite from data-bearing packages (downloads 250 MB once)."""
    from flows.show.progress import note
    from pipeline.sample.build import build_sample

    build_sample(folder, partial(note, "sample"))


def prepare(experiment: ExperimentFile) -> None:
    """Run flow 1: shards to pool."""
    from flows.experiment import load_experiment
    from flows.prepare import prepare_flow
    from flows.show.finished import print_pool

    print_pool(prepare_flow(load_experiment(experiment)), experiment)


def run(experiment: ExperimentFile) -> None:
    """Run the whole process, shards to a recommended mix; finished work is skipped."""
    recommend(experiment)


def schedule(
    experiment: ExperimentFile,
    cron: Annotated[str | None, typer.Option(help='A cron expression: "0 3 * * *".')] = None,
    every: Annotated[
        float | None, typer.Option(min=1, max=31_622_400, help="Seconds between runs, in place of --cron.")
    ] = None,
) -> None:
    """Run the whole process on a schedule, against the Prefect server of PREFECT_API_URL, until stopped."""
    from flows.cron import cron_schedule
    from flows.server import check_server, named_server

    if (cron is None) == (every is None):
        raise ExperimentError("schedule: give either --cron or --every")
    if cron is not None:
        cron_schedule(cron, None, "schedule: --cron")
    server = named_server()
    if server is None:
        raise ExperimentError(
            "schedule: PREFECT_API_URL is not set — start a server (`prefect server start`) and set it to its address"
        )
    check_server(server)
    os.environ["PREFECT_LOGGING_LEVEL"] = "INFO"  # a service shows its log
    from flows.schedule import serve

    serve(experiment, cron, every)


def _guarded(command: Callable[..., Any]) -> Callable[..., None]:
    """The command with an option `--debug`. Without it a mistake that the user can mend is one line, exit code 2."""

    @wraps(command)
    def call(debug: bool = False, **options: Any) -> None:
        _quiet_prefect(debug)
        try:
            command(**options)
        except INPUT_ERRORS as error:
            if debug:
                raise
            line, code = failed_ranks(error) or (" ".join(str(error)[:LONGEST].split()), 2)
            _print_error(named_as_options(line, options_of))
            raise typer.Exit(code) from None
        except Exception as error:
            mistake = path_mistake(error) or missing_package(error)
            failure = mistake or machine_failure(error)
            if debug or failure is None:
                raise
            _print_error(failure)
            raise typer.Exit(2 if mistake else 1) from None

    signature = inspect.signature(command)
    options_of = {"--" + name.replace("_", "-") for name in signature.parameters}
    option = inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Debug)
    call.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    call.__annotations__ = {**command.__annotations__, "debug": Debug}
    return call


def _print_error(line: str) -> None:
    print(f"mixwright: {bounded(masked(line))}", file=sys.stderr)


def _quiet_prefect(debug: bool) -> None:
    """Set the environment variables that Prefect reads when it is imported."""
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")  # nothing is sent, so Prefect does not print that it might be
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "DEBUG" if debug else "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "ERROR" if debug else "CRITICAL")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"mixwright {version('mixwright')}")
        raise typer.Exit


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Find the best blend of training data for a language model, from raw shards to a recommended mix."""


PANELS = {
    "First steps": (demo, new, sample),
    "The process": (plan, prepare, swarm, recommend, run, validate),
    "On a schedule": (refresh, deploy, schedule),
    "Hand over": (export, blend, verify_blend),
    "Look, and scores from elsewhere": (status, report, explore, sql, dropped, check_law),
    "Keep house": (catalog, gc),
}
for _panel, _commands in PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_guarded(_command))


def _hush() -> None:
    """Hide the hundreds of lines in which DuckDB's binding lists its own types as leaked after Python has ended."""
    if "duckdb" in sys.modules:  # imported where a catalog is opened
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def exit_code(commands: typer.Typer, words: Sequence[str]) -> int:
    """Run the command that the words name. `--debug` may be anywhere among them."""
    if DEBUG in words:
        words = [*(word for word in words if word != DEBUG), DEBUG]
    try:
        commands(list(words))
    except SystemExit as ended:
        return int(ended.code or 0)
    except (Stopped, KeyboardInterrupt) as stop:
        print("mixwright: stopped — the same command goes on where it was", file=sys.stderr)
        return stop.code if isinstance(stop, Stopped) else 130
    return 0


def _run(commands: typer.Typer) -> None:
    """Run the command line of this process, to the end of the process."""
    atexit.register(_hush)  # first registered, last run
    stop_on_signals()
    code = exit_code(commands, sys.argv[1:])
    tracker = sys.modules.get("flows.orchestration")
    if tracker and tracker.is_lost():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # Prefect would wait for a server that is gone
    sys.exit(code)


def main() -> None:
    """The `mixwright` command."""
    _run(app)


def recommend_mix() -> None:
    """The `recommend-mix` command."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(_guarded(recommend))
    _run(alone)


if __name__ == "__main__":
    main()
