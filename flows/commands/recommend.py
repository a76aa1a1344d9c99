"""The command `recommend`, alone as `recommend-mix`: from an experiment, or from anyone's swarm."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from flows.commands.options import AsJson, Families, Metrics, Ratios
from flows.errors import ExperimentError
from flows.experiment import Experiment, first_mistake, load_experiment

if TYPE_CHECKING:
    from flows.own_swarm import Origin
    from mixes.recommendation import Recommendation


def recommend(
    experiment: Annotated[
        Path | None, typer.Argument(metavar="[EXP.yaml]", help="The experiment file; or give --ratios and --metrics.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="family=weight or task=weight, repeatable; default: mean over families.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Tokens of your training run: 6T, 300B, 25M.")] = None,
    max_epochs: Annotated[float | None, typer.Option(help="Most times that a domain repeats at the budget.")] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="family=0.02: it may be predicted so much worse than natural, no more; with proxy.init_from, "
            "than the checkpoint itself."
        ),
    ] = None,
    bound: Annotated[
        list[str] | None, typer.Option(help="web/*=0.3:0.8 (the sum), code=:0.5 or books=0.1 (exactly), repeatable.")
    ] = None,
    closest: Annotated[
        float | None, typer.Option(help="0.9: the mix closest to natural that brings 90 % of the possible gain.")
    ] = None,
    robust: Annotated[bool, typer.Option("--robust", help="Best where the evidence likes the mix least.")] = False,
    standardise: Annotated[
        str | None, typer.Option(help="noise or spread: count tasks in units of it, whatever their own.")
    ] = None,
    front: Annotated[int | None, typer.Option(help="Also so many mixes of the families' Pareto front.")] = None,
    law: Annotated[str | None, typer.Option(help="Law of every task; default: auto, by cross-validation.")] = None,
    ratios: Ratios = None,
    metrics: Metrics = None,
    families: Families = None,
    tokens: Annotated[
        Path | None, typer.Option(help="CSV of domain,tokens (or Olmix's priors YAML): natural mix and epoch caps.")
    ] = None,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Use exported mixes although a domain's content has changed since.")
    ] = False,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Also write the mix as YAML.")] = None,
) -> None:
    """The best mix for a target, from an experiment (runs what is missing first) or from anyone's swarm.

    With an experiment and --metrics the scores of its exported mixes, or of the swarm in --ratios, are the evidence.
    """
    _check_given(experiment, ratios, metrics, families, tokens)
    loaded = load_experiment(experiment) if experiment else None
    varied = {
        "target": _numbers("target", target), "budget": budget, "max_epochs": max_epochs, "law": law,
        "standardise": standardise, "robust": robust or None, "front": front,
    }  # fmt: skip
    limits = {"keep": _numbers("keep", keep), "bounds": _bounds(bound), "closest": closest}
    settings = _vary(loaded, varied, limits)
    if metrics is None:
        from flows.recommend import run_flow

        assert loaded
        found, origin = run_flow(loaded, settings), None
    else:
        found, origin = _from_files(loaded, settings, ratios, metrics, families, tokens, allow_stale)
    if out:
        mix = {domain: round(weight, 6) for domain, weight in found.mix.items()}
        out.write_text(yaml.safe_dump({"id": found.id, "mix": mix}, sort_keys=False))
    if as_json:
        print(json.dumps({**found.to_json(), **({"swarm": asdict(origin)} if origin else {})}, indent=1))
        return
    _print(found, origin)
    if loaded and not origin:
        print(f"Catalog {os.path.relpath(loaded.catalog)}")


def _check_given(
    experiment: Path | None, ratios: Path | None, metrics: str | None, families: Path | None, tokens: Path | None
) -> None:
    """Refuse combinations of options that say too little or too much."""
    if experiment is None and (ratios is None or metrics is None):
        missing = "an experiment file, or --ratios and --metrics" if ratios is None and metrics is None else None
        missing = missing or f"--{'metrics' if metrics is None else 'ratios'} too, or an experiment file"
        raise ExperimentError(f"recommend: give {missing}")
    if metrics is None and (ratios or families or tokens):
        name = "ratios" if ratios else "families" if families else "tokens"
        raise ExperimentError(f"recommend: --{name} goes with --metrics; an experiment alone has its own")
    if experiment and tokens:
        raise ExperimentError(f"recommend: --tokens {tokens} and an experiment — the experiment's pool counts its own")


def _from_files(
    experiment: Experiment | None, settings: Any, ratios: Path | None, metrics: str, families: Path | None,
    tokens: Path | None, allow_stale: bool,
) -> "tuple[Recommendation, Origin]":  # fmt: skip
    from flows.own_swarm import check_domains, hash_evidence, origin_of, print_notes, recommend_from_files
    from flows.progress import stage_progress
    from flows.swarm_files import read_swarm, read_table, read_tokens

    if experiment:
        from flows.export import exported_contents
        from flows.swarm import exported_mixes
        from mixes.reuse.identity import refuse_stale
        from pipeline.contents import domain_contents

        pool, mixes = exported_mixes(experiment)
        recorded = exported_contents(ratios) if ratios else {}
        refuse_stale(recorded, domain_contents(experiment.corpus.stages, pool.folder), str(ratios), allow_stale)
    with stage_progress("read"):
        swarm = read_swarm(read_table(ratios) if ratios else mixes, metrics, families)
    print_notes(swarm)
    natural, available = None, read_tokens(tokens) if tokens else None
    if experiment:
        natural = pool.natural
        available = pool.available({name: source.full_tokens for name, source in experiment.sources.items()})
    if available:
        check_domains(f"experiment {experiment.name}" if experiment else str(tokens), available, swarm)
    seed = experiment.seed if experiment else 0
    with stage_progress("recommend"):
        found = recommend_from_files(swarm, available, natural, settings, seed, hash_evidence(swarm, available))
    return found, origin_of(swarm)


def _print(found: "Recommendation", origin: "Origin | None") -> None:
    from rich.console import Console

    from flows.tables import Shown, print_recommendation

    shown = Shown()
    if origin:
        one = origin.metrics[next(iter(found.target))]
        shown = Shown(one.unit, one.direction)
    print_recommendation(found, Console(width=None if sys.stdout.isatty() else 120), shown)


def _numbers(option: str, given: list[str] | None) -> dict[str, float] | None:
    """`["code=0.7", "math=0.3"]` as a dictionary."""
    if not given:
        return None
    named = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            named[name.strip()] = float(value)
        except ValueError:
            raise ExperimentError(f"--{option} {text!r}: write family=number, for example code=0.7") from None
    return named


def _bounds(given: list[str] | None) -> dict[str, Any] | None:
    """`["web/*=0.3:0.8", "books=0.1"]` as the experiment file's `bounds`."""
    if not given:
        return None
    bounds: dict[str, Any] = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            ends = [float(end) if end.strip() else None for end in value.split(":")]
        except ValueError:
            ends = []
        if not name or len(ends) not in (1, 2) or ends == [None]:
            raise ExperimentError(f"--bound {text!r}: write domain=low:high or domain=weight, as web/*=0.3:0.8")
        bounds[name.strip()] = ends[0] if len(ends) == 1 else ends
    return bounds


def _vary(experiment: Experiment | None, changes: dict[str, Any], limits: dict[str, Any]) -> Any:
    """The experiment's `recommend:` settings, or the defaults, with changes."""
    from mixes.settings import RecommendSettings

    now = (experiment.recommend if experiment else RecommendSettings()).model_dump()
    given = {**changes, "limits": {**now["limits"], **{name: value for name, value in limits.items() if value}}}
    try:
        return RecommendSettings(**{**now, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        raise ExperimentError(f"recommend: {first_mistake(error, RecommendSettings)}") from None
