"""The evidence: which mixes were tried and what they scored, joined by name, never by position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError

SUM_TOLERANCE = 1e-6  # how far weights may sum from 1; rounded files are repaired where they are read


@dataclass(frozen=True, order=True)
class Size:
    """How large a proxy is."""

    parameters: float
    tokens: float  # that it was trained on

    def __str__(self) -> str:
        return f"{self.parameters:.4g} parameters × {self.tokens:.4g} tokens"


@dataclass(frozen=True)
class Run:
    """One proxy's record: a mix, and its bpb by task."""

    id: str
    mix: str  # name of the mix: replicates of one mix share it
    weights: Mapping[str, float]  # domain → weight
    scores: Mapping[str, float]  # task → bpb
    size: Size | None = None  # needed only where a swarm holds several


@dataclass(frozen=True)
class Runs:
    """All runs of a swarm, in order of id, over one set of domains and tasks.

    Raises:
        MixError: no runs, a duplicated id, different domains or tasks, weights that do not sum to one, or a
            score that is not a number.
    """

    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", tuple(sorted(self.runs, key=lambda run: run.id)))
        if not self.runs:
            raise MixError("swarm: there are no runs")
        ids = [run.id for run in self.runs]
        if len(set(ids)) < len(ids):
            raise MixError(f"swarm: run {next(i for i in ids if ids.count(i) > 1)!r} stands there twice")
        for run in self.runs:
            self._check(run)

    def _check(self, run: Run) -> None:
        for what, mine, all_of_them in (
            ("domain", set(run.weights), set(self.domains)),
            ("task", set(run.scores), set(self.tasks)),
        ):
            odd = sorted(mine ^ all_of_them)
            if odd:
                raise MixError(f"swarm: run {run.id!r} and run {self.runs[0].id!r} differ in {what} {odd[0]!r}")
        values = np.array(list(run.weights.values()))
        if values.min() < 0 or abs(values.sum() - 1) > SUM_TOLERANCE:
            raise MixError(f"swarm: weights of run {run.id!r} are below 0 or sum to {values.sum():.6g}, not 1")
        for task, score in run.scores.items():
            if not np.isfinite(score):
                raise MixError(f"swarm: run {run.id!r} has the score {score} on task {task!r}")

    @property
    def domains(self) -> tuple[str, ...]:
        """Domain names, sorted: the order of every weights axis."""
        return tuple(sorted(self.runs[0].weights))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Task names, sorted: the order of every scores axis."""
        return tuple(sorted(self.runs[0].scores))

    @property
    def sizes(self) -> tuple[Size | None, ...]:
        """The sizes there are, in order."""
        return tuple(sorted({run.size for run in self.runs}, key=lambda size: (size is not None, size)))

    def weights(self) -> np.ndarray:
        """(n_runs, n_domains) in the order of `domains`."""
        return np.array([[run.weights[domain] for domain in self.domains] for run in self.runs])

    def scores(self) -> np.ndarray:
        """(n_tasks, n_runs) bpb, in the order of `tasks`."""
        return np.array([[run.scores[task] for run in self.runs] for task in self.tasks])

    def by_mix(self) -> "Runs":
        """One run a mix and size: replicates become their mean."""
        several = len(self.sizes) > 1
        means = []
        for (mix, size), group in self._groups().items():
            name = f"{mix} at {size}" if several else mix
            scores = {t: float(np.mean([r.scores[t] for r in group])) for t in self.tasks}
            means.append(Run(name, name, group[0].weights, scores, size))
        return Runs(tuple(means))

    def replicates(self) -> "list[Runs]":
        """The groups of two and more runs of one mix and size: what noise is measured from."""
        groups = self._groups()
        return [Runs(tuple(groups[key])) for key in sorted(groups, key=str) if len(groups[key]) > 1]

    def _groups(self) -> "dict[tuple[str, Size | None], list[Run]]":
        groups: dict[tuple[str, Size | None], list[Run]] = {}
        for run in self.runs:
            groups.setdefault((run.mix, run.size), []).append(run)
        return groups


def to_array(values: Mapping[str, float], names: Sequence[str], what: str) -> np.ndarray:
    """(len(names),): the one road from names to positions.

    Raises:
        MixError: a name is missing, or one is unknown.
    """
    odd = sorted(set(values) ^ set(names))
    if odd:
        known = ", ".join(names)
        raise MixError(f"{what}: {odd[0]!r} is {'unknown' if odd[0] in values else 'missing'} — known are {known}")
    return np.array([values[name] for name in names])
