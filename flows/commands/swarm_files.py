"""The options that name a swarm in files, checked and put together with Olmix's configuration."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.from_files import SwarmFiles
    from mixes.tables.olmix import OlmixFit

IN_OLMIX = {  # option → where Olmix's configuration has it
    "ratios": "swarm.ratios", "metrics": "swarm.metrics", "families": "eval.tasks and filtering.drop_metrics",
    "tokens": "priors", "budget": "constraints.target_tokens", "max_epochs": "constraints.repetition_factor",
    "law": "regression.type", "target": "filtering.obj_weights",
}  # fmt: skip


def swarm_files(command: str, given: Mapping[str, Any]) -> "SwarmFiles | None":
    """The files that a command's arguments `given` name; None where they name none.

    Raises:
        ExperimentError, MixError: they say too little or too much, or Olmix's configuration is wrong.
    """
    from flows.from_files import SwarmFiles

    experiment, olmix_path = given.get("experiment"), given.get("olmix")
    olmix = _olmix(command, experiment, olmix_path) if olmix_path else None
    ratios, metrics = given["ratios"], given["metrics"]
    if olmix:
        ratios = ratios or _beside(olmix, "ratios", olmix.ratios)
        metrics = metrics or _beside(olmix, "metrics", olmix.metrics)
    _check(command, given, ratios, metrics)
    if metrics is None:
        return None
    files = SwarmFiles(
        str(metrics), Path(ratios) if ratios else None, given["families"], given.get("tokens"), given["unit"],
        given["rescale"], given.get("allow_stale", False), olmix, at=given.get("at"),
    )  # fmt: skip
    if olmix is None:
        return files
    replaced = [name for name in IN_OLMIX if given.get(name) is not None and _says(olmix, name)]
    return replace(files, notes=tuple(f"--{name.replace('_', '-')} replaces {IN_OLMIX[name]}" for name in replaced))


def with_olmix(files: "SwarmFiles | None", changes: dict[str, Any]) -> dict[str, Any]:
    """Options of `recommend`, those that are not given as Olmix's configuration has them."""
    if files is None or files.olmix is None:
        return changes
    return {**changes, **{name: v for name, v in files.olmix.settings.items() if changes.get(name) is None}}


def _olmix(command: str, experiment: Path | None, path: Path) -> "OlmixFit":
    from mixes.tables.olmix import read_olmix

    if experiment:
        raise ExperimentError(f"{command}: --olmix {path} and an experiment — each is a question; give one of them")
    return read_olmix(path)


def _says(olmix: "OlmixFit", option: str) -> bool:
    """Whether Olmix's configuration says what an option says."""
    if option in ("budget", "max_epochs", "law"):
        return option in olmix.settings
    says = {
        "ratios": olmix.ratios, "metrics": olmix.metrics, "tokens": olmix.natural, "target": olmix.weights,
        "families": olmix.families.names,
    }  # fmt: skip
    return bool(says[option])


def _beside(olmix: "OlmixFit", name: str, stated: str | None) -> str | None:
    """A path of the configuration: from here, as Olmix takes it, or else from the configuration's folder."""
    places = [] if stated is None else [Path(stated), olmix.path.parent / stated]
    for place in places:
        if place.exists():
            return str(place)
    if places:
        raise ExperimentError(
            f"{olmix.path}: swarm.{name}: {stated!r} is neither here nor beside the configuration — give --{name}"
        )
    return None


def _check(command: str, given: Mapping[str, Any], ratios: Any, metrics: Any) -> None:
    """Refuse combinations of options that say too little or too much."""
    experiment = given.get("experiment")
    if "experiment" not in given and (ratios is None or metrics is None):
        raise ExperimentError(f"{command}: give --ratios and --metrics")
    if experiment is None and (ratios is None or metrics is None):
        missing = "an experiment file, or --ratios and --metrics" if ratios is None and metrics is None else None
        missing = missing or f"--{'metrics' if metrics is None else 'ratios'} too, or an experiment file"
        raise ExperimentError(f"{command}: give {missing}")
    alone = next((name for name in ("ratios", "families", "tokens", "unit", "rescale") if given.get(name)), None)
    if metrics is None and alone:
        raise ExperimentError(f"{command}: --{alone} goes with --metrics; an experiment alone has its own")
    if experiment and given.get("tokens"):
        raise ExperimentError(
            f"{command}: --tokens {given['tokens']} and an experiment — the experiment's pool counts its own"
        )
    if given.get("recommendation") and metrics:
        raise ExperimentError(f"{command}: --recommendation names one of an experiment — leave it out with --metrics")
