"""Commands that write a training set and check it: `blend`, `verify-blend`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.options import AsJson, ExperimentFile
from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.blend import Asked
    from flows.experiment import Experiment
    from flows.recommended import Recommended
    from pipeline.blend.manifest import Manifest

PHASES = ("pretraining", "midtraining")  # folders of a blend in two phases


def blend(
    experiment: ExperimentFile,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the blend: empty, or not there yet.")],
    tokens: Annotated[str, typer.Option(help="Tokens to write: 10B, 300M.")],
    format_name: Annotated[
        str, typer.Option("--format", help="jsonl, parquet, megatron, olmo-core, datatrove or mds.")
    ] = "jsonl",
    recommendation: Annotated[
        str | None, typer.Option(help="Id of the recommendation, or its beginning. Default: the latest.")
    ] = None,
    shard: Annotated[str, typer.Option(help="Tokens per shard.")] = "100M",
    seed: Annotated[
        int | None, typer.Option(min=0, max=9_223_372_036_854_775_807, help="Default: the experiment's.")
    ] = None,
    after: Annotated[
        Path | None,
        typer.Option(metavar="MANIFEST", help="Go on from this blend: leave out the documents that it has used."),
    ] = None,
    anneal: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="Also write the midtraining set of a second recommendation (its id, or an experiment file).",
        ),
    ] = None,
    anneal_tokens: Annotated[str | None, typer.Option(help="Tokens of the midtraining set.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the table and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the training set that a recommendation describes: whole documents, shuffled over all domains, in shards.

    Quality buckets repeat as the upsampling curve says. A killed run goes on where it was.
    """
    from flows.blend import Asked
    from flows.experiment import load_experiment
    from flows.recommended import find_recommendation
    from pipeline.blend.formats.registry import format_named
    from pipeline.blend.manifest import read_manifest

    if (anneal is None) != (anneal_tokens is None):
        raise ExperimentError("blend: give --anneal and --anneal-tokens, or neither")
    format_named(format_name)
    loaded = load_experiment(experiment)
    given = Asked(
        _tokens("tokens", tokens), format_name, _tokens("shard", shard), loaded.seed if seed is None else seed,
        read_manifest(after, "--after") if after else None,
    )  # fmt: skip
    first = find_recommendation(loaded, recommendation)
    if anneal is None or anneal_tokens is None:
        manifest = _one(loaded, first, given, folder, dry_run)
        if manifest and as_json:
            print(json.dumps(_as_json(manifest), indent=1))
        elif manifest:
            _say(manifest, folder)
        return
    second_experiment, second = _other(loaded, anneal)
    later = replace(given, tokens=_tokens("anneal-tokens", anneal_tokens))
    both = _two(loaded, first, given, second_experiment, second, later, folder, dry_run)
    if both and as_json:
        print(json.dumps(dict(zip(PHASES, map(_as_json, both), strict=True)), indent=1))
    elif both:
        from flows.show.blend import print_phases

        for phase, manifest in zip(PHASES, both, strict=True):
            _say(manifest, folder / phase)
        print_phases(*both)


def _one(
    experiment: "Experiment", recommended: "Recommended", given: "Asked", folder: Path, dry_run: bool
) -> "Manifest | None":
    from flows.blend import blend_flow, plan_blend
    from flows.show.blend import print_plan

    plan = plan_blend(experiment, recommended, given)
    if dry_run:
        print_plan(plan)
        return None
    return blend_flow(experiment, plan, folder)


def _two(
    experiment: "Experiment", first: "Recommended", given: "Asked", other: "Experiment", second: "Recommended",
    later: "Asked", folder: Path, dry_run: bool,
) -> "tuple[Manifest, Manifest] | None":  # fmt: skip
    """Pretraining and midtraining; the second goes on from the first where both are written from one pool."""
    from flows.blend import plan_blend

    plan_blend(other, second, replace(later, after=None))  # refused before the first is written
    pretraining = _one(experiment, first, given, folder / PHASES[0], dry_run)
    same_pool = first.pool.folder.name == second.pool.folder.name
    if pretraining and same_pool:
        later = replace(later, after=pretraining)
    midtraining = _one(other, second, later, folder / PHASES[1], dry_run)
    return (pretraining, midtraining) if pretraining and midtraining else None


def _as_json(manifest: "Manifest") -> dict[str, Any]:
    return manifest.model_dump(mode="json", exclude={"shards"})


def _say(manifest: "Manifest", folder: Path) -> None:
    from flows.show.blend import print_blend

    print_blend(manifest)
    print(f"Blend in {folder}; recount it with: mixwright verify-blend {folder}")


def _other(experiment: "Experiment", anneal: str) -> "tuple[Experiment, Recommended]":
    """The recommendation of the midtraining set: one of this experiment's, or the latest of another experiment."""
    from flows.experiment import load_experiment
    from flows.recommended import find_recommendation

    if anneal.endswith((".yaml", ".yml")):
        other = load_experiment(Path(anneal))
        return other, find_recommendation(other)
    return experiment, find_recommendation(experiment, anneal)


def _tokens(option: str, text: str) -> int:
    from mixes.budget import parse_tokens
    from mixes.errors import MixError

    try:
        return parse_tokens(text)
    except MixError as error:
        raise ExperimentError(str(error).replace("budget", f"--{option}", 1)) from None


def verify_blend(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished blend.")],
    as_json: AsJson = False,
) -> None:
    """Count a blend again from its shards, and compare it with its manifest."""
    from flows.show.blend import print_checked
    from flows.show.progress import stage_progress
    from pipeline.blend.manifest import read_manifest
    from pipeline.blend.verify import check_blend

    manifest = read_manifest(folder, "verify-blend:")
    with stage_progress("verify") as progress:
        problems = check_blend(folder, manifest, progress)
    if as_json:
        print(json.dumps({"id": manifest.id, "whole": not problems, "problems": problems}, indent=1))
    else:
        print_checked(manifest, problems)
    if problems:
        raise typer.Exit(1)
