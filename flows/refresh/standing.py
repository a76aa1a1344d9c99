"""The standing recommendation: the one that a training run is taken to follow, until a refresh says otherwise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from flows.catalog.current import REFRESHES
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.recommended import RECOMMENDATION
from flows.settings.reuse import CONTENT
from mixes.errors import cut_short
from mixes.recommendation.result import Recommendation
from mixes.reuse.identity import Origin
from pipeline.pool.pool import Pool
from pipeline.store.seal import is_whole_table
from pipeline.store.stage import read_stage


@dataclass(frozen=True)
class Standing:
    """A recommendation, and what it rests on."""

    recommendation: Recommendation
    pool: str  # name of the pool's stage
    folder: Path  # of all stages

    @cached_property
    def contents(self) -> dict[str, str]:
        """Domain → content that it had."""
        evidence = self.recommendation.evidence
        return {name.removeprefix(CONTENT): value for name, value in evidence.items() if name.startswith(CONTENT)}

    @property
    def earlier_pool(self) -> Pool | None:
        """Its pool; None where it was deleted."""
        folder = self.folder / self.pool
        return Pool(folder) if (folder / "manifest.json").is_file() else None

    def mix_today(self, origins: Mapping[str, Origin], tokens: Mapping[str, float]) -> dict[str, float]:
        """Its mix over today's domains: a split domain's weight goes to its parts by their tokens, one that is new has
        none, and weights of domains that are gone go to all others."""
        mix = self.recommendation.mix
        whole: dict[str, float] = {}
        for name, origin in origins.items():
            for one in origin.earlier:
                whole[one] = whole.get(one, 0.0) + tokens[name]
        carried = {
            name: sum(mix[one] * (tokens[name] / whole[one] if whole[one] else 0.0) for one in origin.earlier)
            for name, origin in origins.items()
        }
        total = sum(carried.values())
        if not total:
            raise ExperimentError(
                f"refresh: no domain of {self.recommendation.id} is left in the pool — run `mixwright run`"
            )
        return {name: weight / total for name, weight in carried.items()}


def find_standing(experiment: Experiment, wanted: str | None = None) -> Standing:
    """The recommendation of this id (or its beginning). Without one: what the last refresh left standing, or, where one
    was asked for since, the latest that answers the experiment's own question, at the swarm's own size.

    Raises:
        ExperimentError: there is none, or `wanted` is an answer at another size, which a new mix of the swarm's own
            size would beat by that alone.
    """
    answers = _answers(experiment)
    made = [one for one in answers if one.recommendation.at is None]
    if wanted:
        chosen = [one for one in made if wanted in one.recommendation.id]
        sizes = [one.recommendation.at for one in answers if wanted in one.recommendation.id]
        if sizes and not chosen:
            raise ExperimentError(
                f"--standing {cut_short(wanted)}: is an answer at {sizes[-1]}, and refresh compares mixes at the "
                "swarm's own size — name one of that size, or ask anew with `recommend-mix --at`"
            )
        if len({one.recommendation.id for one in chosen}) != 1:
            raise ExperimentError(
                f"--standing {cut_short(wanted)}: names {'several recommendations' if chosen else 'no recommendation'} "
                'of this experiment — list them by `mixwright sql EXP.yaml "from recommendations"`'
            )
        return chosen[-1]
    if not made:
        raise ExperimentError(
            f"experiment {experiment.name}: has no recommendation for its own target and budget, so nothing to "
            "refresh — run `mixwright run` first"
        )
    left, when = _left_standing(experiment)
    kept = [one for one in made if one.recommendation.id == left]
    newer = [one for one in made if _made_at(one) > when]
    return (newer or kept or made)[-1]


def _answers(experiment: Experiment) -> list[Standing]:
    """Recommendations that answer the experiment's question, the oldest first, whatever they were compared with."""
    asked = experiment.recommend.model_dump(mode="json", exclude={"compare"})
    found = []
    for file in (experiment.folder / "stages").glob("recommend-*/recommendation.json"):
        try:
            settings = read_stage(file.parent)["settings"]
            recommendation = RECOMMENDATION.validate_json(file.read_bytes())
        except (OSError, ValueError, KeyError):
            continue  # damaged: as if it had not been asked for
        own = {name: settings.get(name) for name in asked}
        if json.loads(json.dumps(own)) == asked and "pool" in recommendation.evidence:
            standing = Standing(recommendation, recommendation.evidence["pool"], file.parent.parent)
            found.append((file.stat().st_mtime_ns, standing))
    return [standing for _, standing in sorted(found, key=lambda pair: pair[0])]


def _made_at(standing: Standing) -> float:
    """Seconds since 1970 at which its stage was finished."""
    files = standing.folder.glob("recommend-*/recommendation.json")
    return max(
        (file.stat().st_mtime for file in files if standing.recommendation.id.encode() in file.read_bytes()),
        default=0.0,
    )


def _left_standing(experiment: Experiment) -> tuple[str | None, float]:
    """What the last refresh left standing, and when that was recorded; nothing before the first."""
    files = sorted((experiment.records / REFRESHES).glob("*.parquet"), key=lambda file: file.name)
    for file in reversed([file for file in files if is_whole_table(file)]):
        return str(pl.read_parquet(file)["standing"][0]), file.stat().st_mtime
    return None, 0.0
