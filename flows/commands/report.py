"""The command `report`: one HTML page that answers what to train on, how sure that is, and why."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.options import At, Families, Metrics, Olmix, Ratios, Rescale, Tokens, Unit
from flows.commands.recommend_options import (
    BoundOption,
    Budget,
    Closest,
    Keep,
    LawName,
    MaxEpochs,
    MixFiles,
    Robust,
    Standardise,
    Target,
)
from flows.commands.swarm_files import swarm_files, with_olmix
from flows.errors import ExperimentError
from flows.settings.asked import asked
from flows.settings.own_mixes import read_mixes

UNNAMED = ("out", "figures")  # options that change nothing on the page


def report(
    experiment: Annotated[
        Path | None, typer.Argument(metavar="[EXP.yaml]", help="The experiment file; or give --ratios and --metrics.")
    ] = None,
    recommendation: Annotated[
        str | None, typer.Option(help="Id of a recommendation, or its beginning. Default: the latest.")
    ] = None,
    target: Target = None,
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    keep: Keep = None,
    bound: BoundOption = None,
    closest: Closest = None,
    robust: Robust = False,
    standardise: Standardise = None,
    law: LawName = None,
    at: At = None,
    ratios: Ratios = None,
    metrics: Metrics = None,
    families: Families = None,
    tokens: Tokens = None,
    unit: Unit = None,
    rescale: Rescale = False,
    olmix: Olmix = None,
    mix: MixFiles = None,
    title: Annotated[
        str | None, typer.Option(help="Name of the swarm or the run, for the page's title. Default: the experiment's.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The page; an earlier report there is replaced, any other file refused.")
    ] = Path("report.html"),
    figures: Annotated[
        bool, typer.Option(help="Also write every figure as PNG and SVG, to a folder beside the page.")
    ] = True,
) -> None:
    """Write a recommendation and all that it rests on as one HTML page that opens anywhere, with its figures.

    Nothing is trained: the swarm must be finished. With options such as --target, the page is about a recommendation
    for that target by the same swarm. With --at, it is about the latest answer of `recommend-mix --at` at that size.
    """
    command = _command(locals())
    files = swarm_files("report", locals())
    from flows.report.figure import check_renderer
    from flows.report.write import check_out, figures_folder

    check_renderer()
    check_out(out, figures)
    from flows.experiment import load_experiment
    from flows.report.gather import from_experiment, from_files, with_command
    from flows.report.make import report_flow

    loaded = load_experiment(experiment) if experiment else None
    options = (target, keep, bound, closest)
    changes: dict[str, Any] = {
        "budget": budget, "max_epochs": max_epochs, "law": law, "standardise": standardise, "robust": robust or None,
        "compare": read_mixes(mix) if mix else None,
    }  # fmt: skip
    changed = any(value is not None for value in (*options, *changes.values()))
    if recommendation and (changed or at):
        raise ExperimentError(
            "report: --recommendation names an answer, and the other options ask for a new one — give either"
        )
    if files is None:
        assert loaded
        settings = asked(loaded, *options, **changes) if changed else None
        findings = from_experiment(loaded, recommendation, settings, at)
        findings = replace(findings, name=title or findings.name)
    else:
        findings = from_files(loaded, asked(loaded, *options, **with_olmix(files, changes)), files, title)
    size, count = report_flow(with_command(findings, command), out, figures)
    print(f"Report written to {out} ({size / 1e6:.1f} MB): open it in a browser.")
    if figures:
        print(f"{count} figures as PNG and SVG in {figures_folder(out)}")


def _command(given: Mapping[str, Any]) -> str:
    """The command that was given (parameter → value), without what changes nothing on the page."""
    words = ["mixwright", "report"]
    for name, value in given.items():
        if name in UNNAMED or value in (None, False):
            continue
        option = [] if name == "experiment" else ["--" + name.replace("_", "-")]
        for one in value if isinstance(value, list) else [value]:
            words += option if value is True else [*option, str(one)]
    return shlex.join(words)
