"""The command `recommend`, alone as `recommend-mix`: from an experiment, or from anyone's swarm."""

import json
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.options import AsJson, At, Families, Metrics, Olmix, Ratios, Rescale, Tokens, Unit
from flows.commands.recommend_export import asked_exports, write_for
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
from flows.outputs import check_file_name, check_writable
from flows.settings.asked import asked
from flows.settings.own_mixes import read_mixes

if TYPE_CHECKING:
    from flows.experiment import Experiment
    from flows.from_files import SwarmFiles
    from mixes.recommendation.from_tables import Origin
    from mixes.recommendation.result import Recommendation


def recommend(
    experiment: Annotated[
        Path | None, typer.Argument(metavar="[EXP.yaml]", help="The experiment file; or give --ratios and --metrics.")
    ] = None,
    target: Target = None,
    budget: Budget = None,
    max_epochs: MaxEpochs = None,
    keep: Keep = None,
    bound: BoundOption = None,
    closest: Closest = None,
    robust: Robust = False,
    standardise: Standardise = None,
    front: Annotated[int | None, typer.Option(help="Also show this many mixes of the families' Pareto front.")] = None,
    law: LawName = None,
    at: At = None,
    ratios: Ratios = None,
    metrics: Metrics = None,
    families: Families = None,
    tokens: Tokens = None,
    unit: Unit = None,
    rescale: Rescale = False,
    olmix: Olmix = None,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Use exported mixes although a domain's content has changed since.")
    ] = False,
    export: Annotated[
        list[str] | None,
        typer.Option(metavar="FORMAT:DIR", help="Also write the mix for a trainer, as `export` does; repeatable."),
    ] = None,
    mix: MixFiles = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Also write the mix to this YAML file; an earlier mix there is replaced, any other file refused."
        ),
    ] = None,
) -> None:
    """Recommend the best mix for a target, from an experiment (what is missing runs first) or from anyone's swarm.

    With an experiment and --metrics, the evidence is the scores of its exported mixes, or of the swarm in --ratios.
    """
    from flows.experiment import load_experiment

    files = swarm_files("recommend", locals())
    tokens = tokens or (olmix if files and files.olmix and files.olmix.tokens else None)
    _check_out(out, experiment)
    exports = asked_exports(export or [], experiment is not None, tokens)
    loaded = load_experiment(experiment) if experiment else None
    changes = {
        "budget": budget, "max_epochs": max_epochs, "law": law, "standardise": standardise, "robust": robust or None,
        "front": front, "compare": read_mixes(mix) if mix else None,
    }  # fmt: skip
    settings = asked(loaded, target, keep, bound, closest, **with_olmix(files, changes))
    origin: Origin | None = None
    if files is None and loaded and at is not None:
        from flows.at_size import recommend_at

        recommendation = recommend_at(loaded, settings, at)
    elif files is None:
        from flows.recommend import run_flow

        assert loaded
        recommendation = run_flow(loaded, settings)
    else:
        recommendation, origin = from_files(loaded, settings, files)
    if out:
        import yaml

        from pipeline.store.writing import write_aside

        rounded = {domain: round(weight, 6) for domain, weight in recommendation.mix.items()}
        content = yaml.safe_dump({"id": recommendation.id, "mix": rounded}, sort_keys=False)
        try:
            write_aside(out, content.encode())
        except OSError as error:
            raise ExperimentError(f"--out {out}: cannot be written ({error.strerror}) — name another file") from None
    written = [write_for(trainer, folder, recommendation, loaded, settings, tokens) for trainer, folder in exports]
    if as_json:
        print(json.dumps({**recommendation.to_json(), **({"swarm": asdict(origin)} if origin else {})}, indent=1))
        return
    print_answer(recommendation, origin)
    if out:
        print(f"Mix written to {out}")
    for show in written:
        show()
    if loaded and not origin:
        print(f"Catalog {os.path.relpath(loaded.catalog)}")


def _is_mix(out: Path) -> bool:
    """Whether a file is what an earlier `--out` wrote, which a new one may replace."""
    from mixes.errors import MixError
    from mixes.tables.yaml_file import read_yaml

    try:
        content = read_yaml(out)
    except MixError:
        return False
    return isinstance(content, dict) and set(content) == {"id", "mix"}


def _check_out(out: Path | None, experiment: Path | None) -> None:
    """Refuse a file that could not be written when all is computed, or that holds something else."""
    if out is None:
        return
    check_file_name(out)
    if experiment and os.path.exists(out) and os.path.samefile(out, experiment):
        raise ExperimentError(f"--out {out}: is the experiment file — name another file for the mix")
    if out.is_file() and not _is_mix(out):
        raise ExperimentError(f"--out {out}: is there already, and is no mix written by --out — name another file")
    if os.path.lexists(out) and not out.is_file():
        raise ExperimentError(f"--out {out}: is a device, or a link that leads nowhere — name another file")
    check_writable(out.parent, f"--out {out}")


def from_files(experiment: "Experiment | None", settings: Any, files: "SwarmFiles") -> "tuple[Recommendation, Origin]":
    """The recommendation from a swarm in files, and what it rests on; experiment: whose pool and mixes are meant."""
    from flows.from_files import question_from_files
    from flows.show.progress import note, stage_progress
    from mixes.recommendation.from_tables import in_own_direction, origin_of
    from pipeline.stages.laws import recommend_once_fitted
    from pipeline.store.cache import swarm_cache, trim_cache

    swarm, question = question_from_files(experiment, settings, files)
    laws_note = partial(note, "laws")
    cache = swarm_cache(laws_note)
    recommendation = recommend_once_fitted(question, cache, laws_note, stage_progress)
    if cache:
        trim_cache(cache)
    return in_own_direction(recommendation, swarm.metrics), origin_of(swarm)


def print_answer(recommendation: "Recommendation", origin: "Origin | None") -> None:
    """The tables and the words; origin: of a swarm from files, whose units are its own."""
    from mixes.show.console import plain_console
    from mixes.show.recommendation import Shown, print_recommendation

    shown = Shown()
    if origin:
        metric = origin.metrics[next(iter(recommendation.target))]
        shown = Shown(metric.unit, metric.direction)
    print_recommendation(recommendation, plain_console(), shown)
