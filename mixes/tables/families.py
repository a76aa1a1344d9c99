"""The families file: how metrics are grouped, and in which direction they are better.

    code: ["humaneval*", mbpp_bpb]
    reasoning:
      metrics: ["gsm8k*", "minerva*"]
      unit: accuracy
    pile:
      unit: nats per token
      metrics:
        "metric/*": {}
        "metric/*_acc": {unit: accuracy, direction: higher}
    unit: bpb
    leave_out: ["*_yesno*"]

A key is a family; `leave_out` names metrics that are not read at all; `unit` and `direction` with a text, not a list,
are those of all metrics about which nothing else is stated. The metrics of a family are names or globs, in a list, or
with a unit and a direction of their own. What is not stated is inferred from the metric's name where that is safe. A
metric belongs to the first line that matches it, but an exact name comes before any glob. A glob may match nothing, so
that one file serves several suites; a name may not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, field_validator, model_validator

from mixes.errors import MixError, did_you_mean, first_mistake
from mixes.tables.keys import listed
from mixes.tables.metrics import Direction, Stated

LEAVE_OUT = "leave_out"  # no family: metrics that are not read
DEFAULTS = ("unit", "direction")  # no families where they hold a text: a family's metrics are a list or a mapping
NOTHING = Stated()
GLOB = frozenset("*?[")


class Meaning(BaseModel):
    """What the file states about one metric."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    unit: str | None = None
    """bpb, nats per token, perplexity, accuracy, or any other that comes with a direction."""
    direction: Direction | None = None
    """Which way is better."""


class Family(BaseModel):
    """Metrics that count together."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    metrics: dict[str, Meaning] = Field(min_length=1)
    """Names or globs of metrics, as a list, or with a unit and direction of their own."""
    unit: str | None = None
    """Of all its metrics that state no other one."""
    direction: Direction | None = None
    """Of all its metrics that state no other one."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"metrics": given} if isinstance(given, list | str) else given

    @field_validator("metrics", mode="before")
    @classmethod
    def _as_mapping(cls, given: Any) -> Any:
        names = [given] if isinstance(given, str) else given
        if isinstance(names, list):
            return {str(name): {} for name in names}
        return {name: meaning or {} for name, meaning in names.items()} if isinstance(names, dict) else names


class _Groups(RootModel[dict[str, Family]]):
    """Family → its metrics."""


@dataclass(frozen=True)
class Families:
    """How the metrics of a swarm are grouped, and what they mean."""

    groups: Mapping[str, Family]  # family → its metrics
    leave_out: tuple[str, ...] = ()  # names and globs of metrics that are not read
    default: Stated = NOTHING  # of every metric about which nothing else is stated
    lenient: bool = False  # whether names may match nothing, and metrics in no family are left out

    @property
    def names(self) -> set[str]:
        """Every name in the file, globs included."""
        return {*self.leave_out, *(name for group in self.groups.values() for name in group.metrics)}

    def left_out(self, metrics: Sequence[str]) -> list[str]:
        """The metrics that are not read, sorted.

        Raises:
            MixError: a name that is no metric.
        """
        for name in () if self.lenient else self.leave_out:
            _check_matches(LEAVE_OUT, name, metrics)
        names = [name for group in self.groups.values() for name in group.metrics]
        without = {metric for metric in metrics if self.lenient and names and not _any_matches(metric, names)}
        return sorted(without | {metric for metric in metrics if _any_matches(metric, self.leave_out)})

    def idle(self, metrics: Sequence[str]) -> list[str]:
        """Names and globs that match no metric, sorted."""
        return sorted(name for name in self.names if not any(_any_matches(metric, [name]) for metric in metrics))

    def of(self, metrics: Sequence[str], declared: Mapping[str, Stated]) -> dict[str, tuple[str, Stated]]:
        """Metric → its family, and what this file, or else `declared`, states about it.

        Raises:
            MixError: a metric in no family, or a name that is no metric.
        """
        lines = [
            (name, family, Stated(meaning.unit or group.unit, meaning.direction or group.direction))
            for family, group in self.groups.items()
            for name, meaning in group.metrics.items()
        ]
        for name, family, _ in () if self.lenient else lines:
            _check_matches(family, name, metrics)
        meanings = {}
        for metric in metrics:
            fitting = [line for line in lines if line[0] == metric] or [
                line for line in lines if fnmatchcase(metric, line[0])
            ]
            if fitting:
                _, family, stated = fitting[0]
                meanings[metric] = (family, stated if stated != Stated() else declared.get(metric, stated))
        self._check_shadowed(metrics, {family for family, _ in meanings.values()})
        without = [metric for metric in metrics if metric not in meanings]
        if without:
            raise MixError(
                f'families: {listed(without)} in no family — name them, or end with a family that takes the rest: ["*"]'
            )
        return meanings

    def _check_shadowed(self, metrics: Sequence[str], used: set[str]) -> None:
        """Refuse a family whose metrics all belong to earlier ones, as after a line that takes the rest."""
        for family, group in self.groups.items():
            matching = [metric for metric in metrics if _any_matches(metric, group.metrics)]
            if matching and family not in used:
                raise MixError(
                    f"families: {family}: earlier families take all of its metrics ({listed(matching)}) — move it "
                    'before them, and the line that takes the rest ("*") to the end'
                )


def families_of(where: str, content: Any) -> Families:
    """The families that a file or a mapping holds; where: what messages call it.

    Raises:
        MixError: it is no mapping, or a field is unknown or wrong.
    """
    if not isinstance(content, Mapping) or not content:
        raise MixError(f"{where}: holds no families — write `family: [metric, …]`")
    defaults = {name: content[name] for name in DEFAULTS if isinstance(content.get(name), str)}
    groups = {name: group for name, group in content.items() if name not in defaults}
    if not groups:
        raise MixError(f"{where}: holds no families, only their {listed(list(defaults))} — write `family: [metric, …]`")
    try:
        stated = Meaning.model_validate(defaults)
        families = dict(_Groups.model_validate(groups).root)
    except ValidationError as error:
        raise MixError(f"{where}: {first_mistake(error, Meaning if error.title == 'Meaning' else _Groups)}") from None
    left_out = families.pop(LEAVE_OUT, None)
    return Families(families, tuple(left_out.metrics) if left_out else (), Stated(stated.unit, stated.direction))


def meanings_of(
    metrics: Sequence[str], families: Families | None, declared: Mapping[str, Stated]
) -> Mapping[str, tuple[str | None, Stated | None]]:
    """Metric → its family, None for one of its own, and what files state about it.

    Raises:
        MixError: as `Families.of`.
    """
    if families is None or not families.groups:
        return {metric: (None, declared.get(metric)) for metric in metrics}
    return families.of(metrics, declared)


def _any_matches(metric: str, names: Iterable[str]) -> bool:
    return any(_matches(metric, name) for name in names)


def _matches(metric: str, name: str) -> bool:
    return metric == name or fnmatchcase(metric, name)


def _check_matches(family: str, name: str, metrics: Sequence[str]) -> None:
    """Refuse a name that is no metric. A glob may match none."""
    if not GLOB & set(name) and name not in metrics:
        raise MixError(f"families: {family}: no metric is called {name!r} — {did_you_mean(name, metrics)}")
