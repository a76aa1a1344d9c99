"""The runs that scored best: each by its number in the figure of the swarm, and whether it meets the limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair
import numpy as np

from flows.report.findings import Findings, shown
from flows.report.marks import data
from flows.report.theme import INK, PAPER
from flows.report.words import listed, percent
from mixes.target import OVERALL

MOST, NUMBERED = 3, 6  # runs, and domains at which a run bears its number
BEST = 0.05  # share of the runs, those with the best scores, that are drawn as lines
SIZE, CLOSE = 190, 15  # square pixels of a number's circle, and pixels within which two touch
ASIDE = 9  # pixels that a circle which would touch gives way
SIDES = (0, -ASIDE, ASIDE)
DASHES = ([1, 0], [5, 3], [1.5, 2.5])  # of the lines, by number
OVER = 1e-9  # of a share
Spot = tuple[float, float]  # pixels from the left and from the first row


@dataclass(frozen=True)
class BestRun:
    """One of the best runs."""

    number: int  # 1 scored best
    weights: np.ndarray  # (n_domains,)
    score: float  # with its own sign
    over: tuple[str, ...]  # domains of which it has more than their cap
    allowed: bool  # whether it meets all limits


def best_runs(findings: Findings) -> list[BestRun]:
    """The best first."""
    problem, observed = findings.problem, findings.on_target.observed
    count = max(1, min(MOST, round(BEST * len(observed))))
    chosen = np.argsort(observed, kind="stable")[:count]
    met = problem.limits.met(problem.tried[chosen])
    scores = findings.own_sign(OVERALL, observed)
    high = problem.limits.room.high
    return [
        BestRun(
            number, problem.tried[i], float(scores[i]),
            tuple(findings.domains[d] for d in np.flatnonzero(problem.tried[i] > high + OVER)), bool(allowed),
        )
        for number, (i, allowed) in enumerate(zip(chosen, met, strict=True), 1)
    ]  # fmt: skip


def best_runs_words(findings: Findings, runs: Sequence[BestRun]) -> list[str]:
    """One line per run: its score, and which cap it breaks."""
    carried = f" (carried over to {findings.at})" if findings.at else ""
    stated, unit = findings.recommendation.predicted[OVERALL].mix, findings.unit(OVERALL)
    lines = []
    for run in runs:
        limits = "within the limits" if run.allowed else "breaks a limit"
        if run.over:
            largest = sorted(run.over, key=lambda name: -run.weights[findings.domains.index(name)])
            shares = [
                f"{shown(name)} ({percent(float(run.weights[findings.domains.index(name)]))})" for name in largest
            ]
            limits = f"over the cap{'s' * (len(shares) > 1)} of {listed(shares, 2)}"
        which = "best run" if run.number == 1 else f"run {run.number}"
        lines.append(f"{run.number}: {which}, scored {run.score:.3f} {unit}{carried}; {limits}.")
    return [*lines, f"The recommended mix is predicted to score {stated:.3f} {unit}."]


def numbered_marks(
    runs: Sequence[BestRun], ranked: Sequence[int], names: Sequence[str], x: altair.X, y: altair.Y,
    pixels: Callable[[float], float], taken: np.ndarray, row_height: int,
) -> list[Any]:  # fmt: skip
    """A thin line per run, and its number in a circle at the domains that it has most of; hollow if it breaks a limit.

    pixels: where a share is on the axis. taken: (n_domains, m) shares with another mark. Circles that would touch one
    give way upwards or downwards.
    """
    layers: list[Any] = []
    marks: dict[tuple[int, bool], list[dict[str, Any]]] = {}
    for run in runs:
        line = [
            {"name": name, "at": number, "value": round(float(run.weights[i]), 4)}
            for number, (i, name) in enumerate(zip(ranked, names, strict=True))
        ]
        layers.append(
            altair.Chart(data(line))
            .mark_line(aria=False, color=INK, strokeWidth=0.9, opacity=0.45, strokeDash=DASHES[run.number - 1])
            .encode(x=x, y=y, order="at:Q")
        )
    placed: list[Spot] = []
    for row, (i, name) in enumerate(zip(ranked, names, strict=True)):
        lines = [(pixels(float(share)), row * row_height) for share in taken[i]]
        for run in runs:
            share = float(run.weights[i])
            if share <= 0 or i not in _largest(run):
                continue
            at = pixels(share)
            side = _free_side(at, row * row_height, [*placed, *lines])
            placed.append((at, row * row_height + side))
            tip = f"run {run.number}: {name} {percent(share)}"
            mark = {"name": name, "value": round(share, 4), "text": str(run.number), "tip": tip}
            marks.setdefault((side, run.allowed), []).append(mark)
    for (side, allowed), rows in sorted(marks.items()):
        base = altair.Chart(data(rows)).encode(x=x, y=y)
        circle = base.mark_point(
            shape="circle", fill=INK if allowed else PAPER, stroke=INK, strokeWidth=1.2, size=SIZE, opacity=1,
            yOffset=side,
        )  # fmt: skip
        number = base.mark_text(
            aria=False, color=PAPER if allowed else INK, fontSize=10, fontWeight="bold", yOffset=side, baseline="middle"
        )
        layers += [circle.encode(description="tip:N"), number.encode(text="text:N")]
    return layers


def _largest(run: BestRun) -> set[int]:
    """The domains of which a run has most: those that bear its number."""
    return set(np.argsort(-run.weights, kind="stable")[:NUMBERED].tolist())


def _free_side(at: float, row: float, placed: Sequence[Spot]) -> int:
    """How many pixels below its row a circle stands clear of what is placed."""
    near = [down for across, down in placed if abs(at - across) < CLOSE]
    free = (side for side in SIDES if all(abs(row + side - down) >= ASIDE for down in near))
    return next(free, SIDES[-1])
