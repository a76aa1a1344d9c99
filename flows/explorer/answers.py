"""Answers while a slider moves: the optimum at once, its intervals when they are ready, both in one shape."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from flows.report.findings import Findings
from mixes.certainty.worlds import Side, Worlds
from mixes.recommendation.answer import answer
from mixes.recommendation.from_tables import in_own_direction
from mixes.recommendation.optima import Optima, optima_of, optima_of_more
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.target import OVERALL

FEW = 60  # worlds of the first intervals; by 40, 80 and 200 the sample's ends differ by 1 to 3 % (measured)


class Stale(Exception):
    """The question was changed before its intervals were ready."""


@dataclass(frozen=True)
class DomainRow:
    """One domain of an optimum."""

    name: str
    natural: float  # share, or of the swarm's centre
    weight: float  # share
    interval: tuple[float, float] | None  # None: not known yet
    epochs: float | None
    cap: float | None  # largest share that limits allow, where the weight lies on it


@dataclass(frozen=True)
class ScoreRow:
    """The target's or a family's scores, with their own sign; a gain above zero is better."""

    name: str
    natural: float
    mix: float
    gain: float
    interval: tuple[float, float] | None  # None: not known yet
    verdict: str  # empty: not known yet


@dataclass(frozen=True)
class Shown:
    """An optimum as it is drawn."""

    domains: tuple[DomainRow, ...]  # the largest natural share first, so that rows stay where they are
    scores: tuple[ScoreRow, ...]  # the target, then the families
    summary: str = ""  # the verdict in words
    cautions: tuple[str, ...] = ()

    @property
    def mix(self) -> dict[str, float]:
        """Domain → share."""
        return {row.name: row.weight for row in self.domains}


def point(question: Question, findings: Findings, optimism: Mapping[str, float]) -> Shown:
    """The optimum without intervals, in tens of milliseconds; a robust one takes seconds.

    optimism: aim → by how much laws overstated the gain when it was last measured. It is taken off here too, so that
    scores do not jump when intervals arrive.
    """
    best = answer(question, findings.problem.fitted, findings.worlds)
    domains = [
        DomainRow(name, best.natural[name], weight, None, best.epochs.get(name), best.caps.get(name))
        for name, weight in best.mix.items()
    ]
    scores = []
    for name in (OVERALL, *findings.families):
        row, off = best.predicted[name], optimism.get(name, 0.0)
        sign = -1.0 if findings.higher(name) else 1.0
        scores.append(ScoreRow(name, sign * row.natural, sign * (row.mix + off), row.natural - row.mix - off, None, ""))
    return Shown(_ordered(domains), tuple(scores))


def optima_by_more(
    question: Question, findings: Findings, is_stale: Callable[[], bool], few: int = FEW
) -> Iterator[Optima]:
    """The optima of the first `few` worlds, where there are many, then of all; `recommendation_of` makes intervals of
    them.

    Raises:
        Stale: `is_stale` has become true, which is asked in every imagined world.
        MixError: as `recommend`.
    """
    kept = findings.worlds
    worlds = _Watched(kept.kinds, kept.truths, kept.refits, is_stale)
    if len(worlds) < 2 * few:
        yield optima_of(question, findings.problem.fitted, lambda _: worlds)
        return
    optima = optima_of(question, findings.problem.fitted, lambda _: worlds.first(few))
    yield optima
    yield optima_of_more(optima, worlds)


@dataclass(frozen=True)
class _Watched(Worlds):
    """Worlds that stop being visited once nobody waits for the answer."""

    is_stale: Callable[[], bool]

    def laws_by_world(self, side: Side) -> Iterator[dict[str, np.ndarray]]:
        for laws in super().laws_by_world(side):
            if self.is_stale():
                raise Stale
            yield laws


def shown(recommendation: Recommendation, findings: Findings) -> Shown:
    """A recommendation as it is drawn; its scores: of which less is better."""
    own = in_own_direction(recommendation, findings.metrics) if findings.metrics else recommendation
    domains = [
        DomainRow(name, own.natural[name], weight, own.intervals[name], own.epochs.get(name), own.caps.get(name))
        for name, weight in own.mix.items()
    ]
    scores = []
    for name in (OVERALL, *findings.families):
        row = own.predicted[name]
        ends = (row.gain_low, row.gain_high)
        scores.append(ScoreRow(name, row.natural, row.mix, row.gain, ends, own.verdict.get(name, "")))
    cautions = tuple(caution.text for caution in own.cautions)
    return Shown(_ordered(domains), tuple(scores), own.summary, cautions)


def optimism_of(recommendation: Recommendation) -> dict[str, float]:
    """Aim → by how much the laws overstate the gain."""
    return {name: row.optimism for name, row in recommendation.predicted.items()}


def _ordered(rows: list[DomainRow]) -> tuple[DomainRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.natural, row.name)))
