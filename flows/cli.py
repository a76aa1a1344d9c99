"""The command line: `mixwright`, and `recommend-mix` for its third flow alone.

Prefect and torch are imported by the commands that use them: workers of the heavy stages load this module too.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from flows.errors import INPUT_ERRORS, ExperimentError
from flows.experiment import Experiment, load_experiment

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

ExperimentFile = Annotated[Path, typer.Argument(metavar="EXP.yaml", help="The experiment file.")]


@app.command()
def sample(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the sample goes.")]) -> None:
    """Build the sample corpus and suite from data-bearing packages (downloads 250 MB once)."""
    from pipeline.sample.build import build_sample

    build_sample(folder, lambda line: print(f"sample       {line}", file=sys.stderr, flush=True))


@app.command()
def prepare(experiment: ExperimentFile) -> None:
    """Flow 1: shards to pool."""
    from flows.prepare import prepare_flow

    prepare_flow(load_experiment(experiment))


@app.command()
def swarm(experiment: ExperimentFile) -> None:
    """Flows 1 and 2: shards to scores."""
    from flows.recommend import evidence_flow

    evidence_flow(load_experiment(experiment))


@app.command()
def run(experiment: ExperimentFile) -> None:
    """The whole process, resuming: shards to a recommended mix."""
    recommend(experiment)


@app.command()
def recommend(
    experiment: ExperimentFile,
    target: Annotated[
        list[str] | None, typer.Option(help="family=weight or task=weight, repeatable; default: mean over families.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Tokens of your training run: 6T, 300B, 25M.")] = None,
    max_epochs: Annotated[float | None, typer.Option(help="Most times that a domain repeats at the budget.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the mix as YAML.")] = None,
) -> None:
    """The best mix for a target; runs what is missing first."""
    from flows.recommend import run_flow

    loaded = load_experiment(experiment)
    varied = {"target": _targets(target), "budget": budget, "max_epochs": max_epochs}
    found = run_flow(_vary(loaded, {name: value for name, value in varied.items() if value is not None}))
    if out:
        mix = {domain: round(weight, 6) for domain, weight in found.mix.items()}
        out.write_text(yaml.safe_dump({"id": found.id, "mix": mix}, sort_keys=False))
    if as_json:
        print(json.dumps(found.to_json(), indent=1))
        return
    from rich.console import Console

    from flows.tables import print_recommendation

    print_recommendation(found, Console(width=None if sys.stdout.isatty() else 120))
    print(f"Catalog {os.path.relpath(loaded.catalog)}")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A DuckDB query, for example: from recommended_vs_natural")],
    catalog: Annotated[Path, typer.Option(help="The catalog.")] = Path("build/work/catalog.duckdb"),
) -> None:
    """Query the catalog; tables and views are listed by `show tables`."""
    import polars as pl

    from flows.catalog import query_catalog

    found = query_catalog(catalog, query)
    with pl.Config(tbl_rows=200, tbl_cols=50, tbl_width_chars=200, fmt_str_lengths=60, tbl_hide_dataframe_shape=True):
        print(found)


@app.command()
def dropped(
    reason: Annotated[str | None, typer.Option(help="Only this reason; without it, the reasons are listed.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Documents shown.")] = 5,
    catalog: Annotated[Path, typer.Option(help="The catalog.")] = Path("build/work/catalog.duckdb"),
) -> None:
    """Show documents that a filter dropped, as sampled while it ran."""
    from flows.catalog import query_catalog

    if reason is None:
        sql("select step, reason, source, count(*) as sampled from dropped group by all order by all", catalog)
        return
    chosen = "reason = ? and coalesce(source = ?, true)"
    query = f"select source, id, text from dropped where {chosen} order by id limit {most}"
    found = query_catalog(catalog, query, [reason, source])
    if not len(found):
        raise ExperimentError(
            f"dropped: no document was dropped for {reason!r} — `mixwright dropped` lists the reasons"
        )
    for row in found.iter_rows(named=True):
        print(f"── {row['source']} {row['id']}\n{row['text'][:1_000].strip()}\n")


@app.command()
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


@app.command()
def validate(
    experiment: ExperimentFile,
    seeds: Annotated[int, typer.Option(min=2, help="Proxies a mix.")] = 3,
    multiple: Annotated[float, typer.Option(min=0.1, help="Tokens, as a multiple of the swarm's proxies'.")] = 2.0,
) -> None:
    """Train natural, uniform and the recommendation anew, longer and with several seeds, and compare."""
    from rich.console import Console

    from flows.validate import print_validation, validate_flow

    print_validation(validate_flow(load_experiment(experiment), seeds, multiple), Console(width=120))


def _targets(given: list[str] | None) -> dict[str, float] | None:
    """`["code=0.7", "math=0.3"]` as a dictionary."""
    if not given:
        return None
    target = {}
    for text in given:
        name, _, weight = text.partition("=")
        try:
            target[name.strip()] = float(weight)
        except ValueError:
            raise ExperimentError(f"--target {text!r}: write family=weight, for example code=0.7") from None
    return target


def _vary(experiment: Experiment, changes: dict[str, Any]) -> Experiment:
    """The experiment with other `recommend:` settings."""
    if changes.get("max_epochs", 1) <= 0:
        raise ExperimentError(f"--max-epochs {changes['max_epochs']:g}: must be above 0")
    return experiment.model_copy(update={"recommend": experiment.recommend.model_copy(update=changes)})


def _hush() -> None:
    """DuckDB's binding lists its own types as leaked, hundreds of lines, after Python has ended: nobody's business."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _guarded(command: Callable[[], Any]) -> None:
    """Run a command; a mistake that the user can mend is one line and exit code 2."""
    atexit.register(_hush)  # first registered, last run
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")  # nothing is sent, so Prefect need not say that it might be
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "DEBUG" if debug else "CRITICAL")
    try:
        command()
    except INPUT_ERRORS as error:
        if debug:
            raise
        print(f"mixwright: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("mixwright: stopped — the same command goes on where it was", file=sys.stderr)
        sys.exit(130)


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
