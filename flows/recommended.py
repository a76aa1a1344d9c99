"""A recommendation that was made before, with the pool that it is about: what `export` and `blend` hand over."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flows.catalog.current import LAST, numbered, read_index
from flows.catalog.newer import check_workspace
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.show.progress import note
from mixes.errors import cut_short
from mixes.optimum.from_settings import matching
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.upsampling import UpsamplingSettings
from pipeline.pool.pool import Pool
from pipeline.stages.graph import finished_pool
from pipeline.store.stage import Unfinished, read_stage

RECOMMENDATION = TypeAdapter(Recommendation)
NAMED = 8  # recommendations that an error lists


@dataclass(frozen=True)
class Recommended:
    """A recommendation, the pool that it is about, and the settings that decide how its tokens are drawn."""

    recommendation: Recommendation
    pool: Pool
    upsampling: UpsamplingSettings | None  # None: a domain's quality buckets repeat alike
    epochs: dict[str, float]  # domain → most times that it may repeat
    settings: RecommendSettings  # what was asked
    at: str | None = None  # parameters:tokens of an answer at a size, with all digits; None: the swarm's own size


@dataclass(frozen=True)
class _Kept:
    """Where a recommendation is, and the size that it is for; None is the swarm's own."""

    folder: Path
    at: str | None


def find_recommendation(experiment: Experiment, wanted: str | None = None, at: str | None = None) -> Recommended:
    """The recommendation of this id (or the beginning of one), or without an id the latest over the present pool.

    at: a size (parameters:tokens) of which the latest is meant; None means the swarm's own, so answers at other sizes
    are never the latest.

    Raises:
        ExperimentError: there is none, or the pool has changed since it was made.
    """
    check_workspace(experiment.folder)
    try:
        pool = Pool(finished_pool(experiment.corpus))
    except Unfinished as unfinished:
        if any(_folders(experiment)):
            raise ExperimentError(
                f"experiment {experiment.name}: its pool is stale ({unfinished}): sources or settings have changed "
                "since the recommendation was made — run `mixwright run` on it first"
            ) from None
        raise ExperimentError(
            f"experiment {experiment.name}: has no recommendation yet — run `mixwright run`"
        ) from None
    folder = _folder_of(experiment, pool, wanted, at)
    try:
        recommendation = RECOMMENDATION.validate_json((folder / "recommendation.json").read_bytes())
        settings = read_stage(folder)["settings"]
        upsampling = UpsamplingSettings(**settings["upsampling"]) if settings["upsampling"] else None
        asked = RecommendSettings(**{name: settings[name] for name in RecommendSettings.model_fields})
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        raise ExperimentError(f"{folder}: is damaged — ask for that recommendation again with recommend-mix") from None
    if recommendation.evidence.get("pool") != pool.folder.name:
        raise ExperimentError(
            f"recommendation {recommendation.id}: is stale: it is about {recommendation.evidence.get('pool')}, and the "
            f"experiment's pool is now {pool.folder.name} — ask for it again with recommend-mix"
        )
    epochs = most_epochs(recommendation, asked.limits.epochs)
    return Recommended(recommendation, pool, upsampling, epochs, asked, settings.get("at"))


def _folder_of(experiment: Experiment, pool: Pool, wanted: str | None, at: str | None) -> Path:
    """The stage that holds the recommendation."""
    known = _known(experiment)
    swarm = read_index(experiment.folder, partial(note, "records"))[LAST].get(pool.folder.name)
    latest = list(numbered(experiment.folder, swarm, partial(note, "records"))) if swarm else []
    names = [name for name in latest if name in known]
    if wanted is None:
        of_size = [name for name in names if known[name].at == at]
        if not of_size:
            raise ExperimentError(f"experiment {experiment.name}: {_none_yet(at, bool(names))}")
        return known[of_size[-1]].folder
    matching = [name for name in known if wanted in (name, name.removeprefix("recommendation-"))]
    matching = matching or [name for name in known if wanted and wanted in name and _begins(name, wanted)]
    if len(matching) != 1:
        listed = ", ".join(reversed((names or list(known))[-NAMED:])) or "none yet"
        problem = "is the beginning of several recommendations" if matching else "is no recommendation"
        raise ExperimentError(f"--recommendation {cut_short(wanted)}: {problem} — known are, newest first: {listed}")
    return known[matching[0]].folder


def _none_yet(at: str | None, others: bool) -> str:
    """That there is none of a size; others: whether there are some of other sizes."""
    if at:
        return f"no recommendation at {at} over its present pool — run `recommend-mix` with --at {at} first"
    if others:
        return (
            "no recommendation at its swarm's own size over its present pool, only at other sizes — run "
            "`recommend-mix`, or name one by its id"
        )
    return "no recommendation over its present pool — run `recommend-mix` first"


def _known(experiment: Experiment) -> dict[str, _Kept]:
    """Id → the stage that holds it, the oldest first; a damaged one is left out, as one that was never asked for."""
    known = {}
    for folder in sorted(_folders(experiment), key=lambda folder: folder.stat().st_mtime_ns):
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads((folder / "recommendation.json").read_bytes())
            known[str(content["id"])] = _Kept(folder, content.get("at"))
    return known


def _begins(name: str, wanted: str) -> bool:
    return name.startswith(wanted) or name.removeprefix("recommendation-").startswith(wanted)


def _folders(experiment: Experiment) -> Iterator[Path]:
    """Finished stages of recommendations."""
    return (file.parent for file in (experiment.folder / "stages").glob("recommend-*/recommendation.json"))


def most_epochs(recommendation: Recommendation, limits: Mapping[str, float]) -> dict[str, float]:
    """Domain → most times that it may repeat; limits: pattern of domains → the same, in place of the general one."""
    epochs = dict.fromkeys(recommendation.mix, recommendation.max_epochs)
    for pattern, most in limits.items():  # of several patterns the last counts
        epochs |= dict.fromkeys(matching(pattern, tuple(epochs), "epochs"), most)
    return epochs
