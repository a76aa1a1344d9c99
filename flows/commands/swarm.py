"""Commands on swarms: `swarm`, `check-law`."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import AsJson, At, ExperimentFile, Families, Metrics, Olmix, Ratios, Rescale, Unit
from flows.commands.swarm_files import swarm_files, with_olmix
from flows.errors import ExperimentError


def swarm(
    experiment: ExperimentFile,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Train nothing; write the mixes as ratios.csv, as JSON, and for OLMo-core and Megatron."
        ),
    ] = None,
) -> None:
    """Run flows 1 and 2, shards to scores; with --export, shards to mixes for proxies that are trained elsewhere."""
    from flows.experiment import load_experiment

    loaded = load_experiment(experiment)
    if export is None:
        from flows.recommend import evidence_flow
        from flows.show.finished import print_swarm

        _, (_, candidates) = evidence_flow(loaded)
        print_swarm(candidates, experiment)
        return
    from flows.trainers.swarm import claim_export

    claim_export(export)
    from flows.swarm import export_flow

    runs = export_flow(loaded, export)
    print(f"{runs} runs in {export}: train them, then recommend-mix {experiment} --metrics metrics.csv")


def check_law(
    ratios: Ratios = None,
    metrics: Metrics = None,
    test_ratios: Annotated[Path | None, typer.Option(help="Mixes to rank. Default: cross-validation.")] = None,
    test_metrics: Annotated[str | None, typer.Option(help="Their scores.")] = None,
    families: Families = None,
    unit: Unit = None,
    rescale: Rescale = False,
    olmix: Olmix = None,
    law: Annotated[str | None, typer.Option(help="Name of the law. Default: auto, one per task.")] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="Fit to this many runs, drawn by the seed.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=9_223_372_036_854_775_807, help="Seed of the drawn runs and of the folds.")
    ] = 0,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well a law that is fitted to one swarm ranks another, or held-out parts of its own.

    With --at, the laws are fitted to runs of other sizes, and predict the runs of that size.
    """
    files = swarm_files("check-law", locals())
    if (test_ratios is None) != (test_metrics is None):
        raise ExperimentError("check-law: give both --test-ratios and --test-metrics, or neither to cross-validate")
    from flows.from_files import read_files
    from mixes.certainty.check_at import check_law_at, hold_out_size
    from mixes.laws.check import check_law as check
    from mixes.laws.check import cross_validate_law
    from mixes.sizes import size_at
    from mixes.tables.keys import draw_runs

    assert files
    train = read_files(files)
    asked = with_olmix(files, {"law": law})["law"]
    law = "auto" if asked is None else asked
    test = (
        read_files(replace(files, ratios=test_ratios, metrics=test_metrics)) if test_ratios and test_metrics else None
    )
    rest, held_out, size = train.runs, test.runs if test else None, None
    if at is not None:
        size = size_at(at, rest.sizes)
        rest, held_out = (rest, held_out) if held_out else hold_out_size(rest, size)
    chosen = draw_runs(rest, runs, seed) if runs else rest
    if size and held_out:
        checked = check_law_at(chosen, held_out, size, law, train.seeds)
    elif held_out:
        checked = check(chosen, held_out, law, seed)
    else:
        checked = cross_validate_law(chosen, law, seed)
    if len({metric.unit for metric in train.metrics.values()}) > 1:
        checked = replace(checked, regret=None)  # a mean over units means nothing
    if as_json:
        of_sizes = () if checked.at else ("at", "errors", "coverage")
        print(json.dumps({name: value for name, value in asdict(checked).items() if name not in of_sizes}, indent=1))
        return

    from mixes.show.console import plain_console
    from mixes.show.recommendation import print_checked_law

    print_checked_law(checked, train.metrics, plain_console())
