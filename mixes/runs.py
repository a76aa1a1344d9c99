"""The evidence: which mixes were tried and what they scored, joined by name, never by position.

Weights and scores lie in two arrays, whatever the number of runs: ten thousand runs over two thousand domains
are 160 MB, where one dictionary per run would take gigabytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mixes.errors import MixError

SUM_TOLERANCE = 1e-6  # how far weights may sum from 1; rounded files are repaired where they are read


@dataclass(frozen=True, order=True)
class Size:
    """How large a proxy is; written 1B:20B."""

    parameters: float
    tokens: float  # of its training; 0 where they are unknown

    def __str__(self) -> str:
        return _short(self.parameters) + (f":{_short(self.tokens)}" if self.tokens else "")


@dataclass(frozen=True)
class Run:
    """One proxy's record: a mix, and its score by task, lower being better (bpb unless the evidence says otherwise)."""

    id: str
    mix: str  # name of the mix: replicates of one mix share it
    weights: Mapping[str, float]  # domain → weight
    scores: Mapping[str, float]  # task → score
    size: Size | None = None  # needed only where a swarm holds several


class Runs:
    """All runs of a swarm, in order of id, over one set of domains and tasks.

    Raises:
        MixError: no runs, a duplicated id, different domains or tasks, weights that do not sum to one, or a
            score that is not a number.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        if not runs:
            raise MixError("swarm: there are no runs")
        first = min(runs, key=lambda run: run.id)
        for run in runs:
            for what, names, names_of_first in (
                ("domain", run.weights.keys(), first.weights.keys()),
                ("task", run.scores.keys(), first.scores.keys()),
            ):
                if names != names_of_first:
                    odd = sorted(names ^ names_of_first)
                    raise MixError(f"swarm: run {run.id!r} and run {first.id!r} differ in {what} {odd[0]!r}")
        domains, tasks = tuple(first.weights), tuple(first.scores)
        self._store(
            [run.id for run in runs], [run.mix for run in runs], domains, tasks,
            np.array([[run.weights[domain] for domain in domains] for run in runs]),
            np.array([[run.scores[task] for run in runs] for task in tasks]),
            [run.size for run in runs],
        )  # fmt: skip

    @classmethod
    def from_arrays(
        cls,
        ids: Sequence[str],
        mixes: Sequence[str],
        domains: Sequence[str],
        tasks: Sequence[str],
        weights: np.ndarray,
        scores: np.ndarray,
        sizes: Sequence[Size | None] | None = None,
    ) -> "Runs":
        """Runs of weights (n_runs, n_domains) and scores (n_tasks, n_runs), in the order of the names given.

        The arrays are kept, not copied: do not change them afterwards.

        Raises:
            MixError: see `Runs`.
        """
        if not len(ids):
            raise MixError("swarm: there are no runs")
        made = cls.__new__(cls)
        made._store(ids, mixes, domains, tasks, weights, scores, sizes or [None] * len(ids))
        return made

    def _store(
        self,
        ids: Sequence[str],
        mixes: Sequence[str],
        domains: Sequence[str],
        tasks: Sequence[str],
        weights: np.ndarray,
        scores: np.ndarray,
        sizes: Sequence[Size | None],
    ) -> None:
        rows, columns, lines = (sorted(range(len(names)), key=names.__getitem__) for names in (ids, domains, tasks))
        self.ids = tuple(ids[i] for i in rows)  # sorted: the order of every runs axis
        self.mixes = tuple(mixes[i] for i in rows)  # names of the runs' mixes
        self.sizes_of_runs = tuple(sizes[i] for i in rows)
        self.domains = tuple(domains[i] for i in columns)  # sorted: the order of every weights axis
        self.tasks = tuple(tasks[i] for i in lines)  # sorted: the order of every scores axis
        self._weights = _ordered(np.asarray(weights, dtype=float), rows, columns)
        self._scores = _ordered(np.asarray(scores, dtype=float), lines, rows)
        self._check()

    def _check(self) -> None:
        for run, following in zip(self.ids, self.ids[1:], strict=False):
            if run == following:
                raise MixError(f"swarm: run {run!r} appears twice")
        sums = self._weights.sum(axis=1)
        wrong = ~((self._weights.min(axis=1) >= 0) & (np.abs(sums - 1) <= SUM_TOLERANCE))
        if wrong.any():
            i = int(wrong.argmax())
            raise MixError(f"swarm: weights of run {self.ids[i]!r} are below 0 or sum to {sums[i]:.6g}, not 1")
        if not np.isfinite(self._scores).all():
            t, i = np.argwhere(~np.isfinite(self._scores))[0]
            raise MixError(f"swarm: run {self.ids[i]!r} has the score {self._scores[t, i]} on task {self.tasks[t]!r}")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """One `Run` per row; their weights and scores are views."""
        domains = {name: i for i, name in enumerate(self.domains)}
        tasks = {name: i for i, name in enumerate(self.tasks)}
        return tuple(
            Run(name, mix, _Named(domains, self._weights[i]), _Named(tasks, self._scores[:, i]), size)
            for i, (name, mix, size) in enumerate(zip(self.ids, self.mixes, self.sizes_of_runs, strict=True))
        )

    @property
    def sizes(self) -> tuple[Size | None, ...]:
        """The sizes of the runs, in order, each once."""
        return tuple(sorted(set(self.sizes_of_runs), key=lambda size: (size is not None, size)))

    def weights(self) -> np.ndarray:
        """(n_runs, n_domains) in the order of `domains`; read-only."""
        return self._weights

    def scores(self) -> np.ndarray:
        """(n_tasks, n_runs), lower is better, in the order of `tasks`; read-only."""
        return self._scores

    def by_mix(self) -> "Runs":
        """One run per mix and size: replicates become their mean."""
        names, first, group = np.unique(self.groups(), return_index=True, return_inverse=True)
        counts = np.bincount(group)
        means = np.array([np.bincount(group, weights=line) / counts for line in self._scores])
        mixes = names.tolist()
        sizes = [self.sizes_of_runs[i] for i in first]
        return Runs.from_arrays(mixes, mixes, self.domains, self.tasks, self._weights[first], means, sizes)

    def replicates(self) -> "list[Runs]":
        """The groups of two or more runs of one mix and size. Noise is measured from them."""
        names, group, counts = np.unique(self.groups(), return_inverse=True, return_counts=True)
        return [self.select(np.flatnonzero(group == i)) for i in range(len(names)) if counts[i] > 1]

    def groups(self) -> np.ndarray:
        """(n_runs,) the name of each run's mix, and of its size where there are several."""
        if len(set(self.sizes_of_runs)) == 1:
            return np.array(self.mixes)
        return np.array([f"{mix} at {size}" for mix, size in zip(self.mixes, self.sizes_of_runs, strict=True)])

    def with_scores(self, scores: np.ndarray) -> "Runs":
        """The same runs with other scores (n_tasks, n_runs)."""
        return Runs.from_arrays(
            self.ids, self.mixes, self.domains, self.tasks, self._weights, scores, self.sizes_of_runs
        )

    def select(self, rows: Sequence[int] | np.ndarray) -> "Runs":
        """The runs at these positions of `ids`."""
        return Runs.from_arrays(
            [self.ids[i] for i in rows], [self.mixes[i] for i in rows], self.domains, self.tasks,
            self._weights[np.asarray(rows, dtype=int)], self._scores[:, np.asarray(rows, dtype=int)],
            [self.sizes_of_runs[i] for i in rows],
        )  # fmt: skip


class _Named(Mapping):
    """One row of an array by name."""

    def __init__(self, places: Mapping[str, int], values: np.ndarray) -> None:
        self._places, self._values = places, values

    def __getitem__(self, name: str) -> float:
        return float(self._values[self._places[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))


def _short(count: float) -> str:
    """`1.2B` of 1,200,000,000."""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.4g}{name}"
    return f"{count:.4g}"


def _ordered(values: np.ndarray, rows: list[int], columns: list[int]) -> np.ndarray:
    """Rows and columns in the given order, read-only. An array that is in order already is not copied."""
    for axis, order in enumerate((rows, columns)):
        if order != list(range(len(order))):
            values = values.take(order, axis=axis)
    values = values.view()
    values.flags.writeable = False
    return values


def to_array(values: Mapping[str, float], names: Sequence[str], what: str) -> np.ndarray:
    """(len(names),): the one road from names to positions.

    Raises:
        MixError: a name is missing, or one is unknown.
    """
    odd = sorted(set(values) ^ set(names))
    if odd:
        expected = ", ".join(names)
        raise MixError(f"{what}: {odd[0]!r} is {'unknown' if odd[0] in values else 'missing'} — known are {expected}")
    return np.array([values[name] for name in names])
