"""The command line: `mixwright`, and `recommend-mix` for its third flow alone.

Prefect and torch are imported by the commands that use them: workers of the heavy stages load this module too.
"""

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import ExperimentFile
from flows.commands.plan import plan
from flows.commands.query import dropped, sql
from flows.commands.recommend import recommend
from flows.commands.swarm import check_law, swarm
from flows.commands.validate import validate
from flows.errors import INPUT_ERRORS, ExperimentError
from flows.experiment import load_experiment

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def sample(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the sample goes.")]) -> None:
    """Build the sample corpus and suite from data-bearing packages (downloads 250 MB once)."""
    from pipeline.sample.build import build_sample

    build_sample(folder, lambda line: print(f"sample       {line}", file=sys.stderr, flush=True))


def prepare(experiment: ExperimentFile) -> None:
    """Flow 1: shards to pool."""
    from flows.prepare import prepare_flow

    prepare_flow(load_experiment(experiment))


def run(experiment: ExperimentFile) -> None:
    """The whole process, resuming: shards to a recommended mix."""
    recommend(experiment)


def schedule(
    experiment: ExperimentFile,
    cron: Annotated[str | None, typer.Option(help='When, as cron writes it: "0 3 * * *".')] = None,
    every: Annotated[float | None, typer.Option(min=1, help="Or: seconds between runs.")] = None,
) -> None:
    """Run the whole process on a schedule, against the Prefect server of PREFECT_API_URL; stays until stopped."""
    if (cron is None) == (every is None):
        raise ExperimentError("schedule: give either --cron or --every")
    if not os.environ.get("PREFECT_API_URL"):
        raise ExperimentError(
            "schedule: PREFECT_API_URL is not set — start a server (`prefect server start`) and set it to its address"
        )
    os.environ["PREFECT_LOGGING_LEVEL"] = "INFO"  # it is a service: its log is what people see of it
    from flows.schedule import serve

    serve(experiment, cron, every)


for _command in (sample, plan, prepare, swarm, run, recommend, check_law, sql, dropped, schedule, validate):
    app.command()(_command)


def _hush() -> None:
    """DuckDB's binding lists its own types as leaked, hundreds of lines, after Python has ended: nobody's business."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def exit_code(command: typer.Typer, words: Sequence[str]) -> int:
    """Run a command line; a mistake that the user can mend is one line and exit code 2."""
    debug = "--debug" in words
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")  # nothing is sent, so Prefect need not say that it might be
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "DEBUG" if debug else "CRITICAL")
    # Prefect's own 20 are too few on a machine that others use too (measured: 2 cores under a load of 15)
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    try:
        command([word for word in words if word != "--debug"])
    except SystemExit as ended:
        return int(ended.code or 0)
    except INPUT_ERRORS as error:
        if debug:
            raise
        print(f"mixwright: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mixwright: stopped — the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def _guarded(command: typer.Typer) -> None:
    atexit.register(_hush)  # first registered, last run
    sys.exit(exit_code(command, sys.argv[1:]))


def main() -> None:
    """The `mixwright` command."""
    _guarded(app)


def recommend_mix() -> None:
    """The `recommend-mix` command."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(recommend)
    _guarded(alone)


if __name__ == "__main__":
    main()
