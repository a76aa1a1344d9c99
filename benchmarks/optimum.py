"""The exact optimum: ours against cvxpy with Clarabel, on the same objectives and limits, in one run.

    python benchmarks/optimum.py [--domains 24 480] [--tasks 50] [--seeds 3] [--replicates 200] [--clarabel-most 480]

A third of the tasks each has a linear, a log-linear and a transfer law, parameters drawn at random. Limits: a cap on
every domain (four times a random anchor), a floor on every fourth, the sum of every third held in a range, and at most
0.3 nats of KL to the anchor. Ours is timed with the building of its limits, cvxpy with the compiling of its problem;
both are one process, the median over seeds. Clarabel's mix is brought inside the limits before its value is taken: its
own tolerance lets it end outside. Replicates are optima of the first seed's objective with parameters drawn anew around
its own; the robust optimum is over all of them at once. CPU seconds stand beside the clock's.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import planted
from oracle import clarabel

from mixes.optimum.best import best_mix
from mixes.optimum.objective import Objective
from mixes.optimum.robust import best_robust_mix

SPREAD = 0.05  # standard deviation of replicates' parameters


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def problem(domains: int, tasks: int, seed: int) -> Objective:
    """`tasks` in all, as even as three forms can share them."""
    shares = [tasks // 3 + (number < tasks % 3) for number in range(3)]
    rng = np.random.default_rng(seed)
    parts = []
    for form, count in zip(planted.FORMS, shares, strict=True):
        part = planted.part(form, domains, count, rng)
        parts.append(replace(part, values=part.values * count / tasks))
    return Objective(tuple(parts), rng.dirichlet(np.full(domains, 2.0)))


def main() -> None:
    """Time and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=int, nargs="+", default=[24, 480])
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--replicates", type=int, default=200, help="at the first number of domains")
    parser.add_argument("--clarabel-most", type=int, default=480, help="domains that cvxpy is still asked about")
    options = parser.parse_args()
    table = Table(title=f"{options.tasks} tasks, {options.seeds} objectives each; seconds are medians")
    for column in ("domains", "solver", "seconds", "CPU seconds", "value − ours, most", "proven gap, most", "failed"):
        table.add_column(column, justify="left" if column == "solver" else "right")
    for domains in options.domains:
        aims = [problem(domains, options.tasks, seed) for seed in range(options.seeds)]
        ours = [timed(lambda aim=aim: best_mix(aim, planted.limits(aim.anchor))) for aim in aims]
        gap = max(found.gap / found.range for found, _, _ in ours)
        table.add_row(str(domains), "ours", *_medians(ours), "", f"{gap:.1e} of the range", "0")
        if domains <= options.clarabel_most:
            theirs = [timed(lambda aim=aim: clarabel(aim, planted.limits(aim.anchor))) for aim in aims]
            above = [
                float(aim.value(mix[None])[0]) - found.value
                for aim, (found, _, _), (mix, _, _) in zip(aims, ours, theirs, strict=True)
                if mix is not None
            ]
            failed = str(len(aims) - len(above))
            table.add_row(
                "", "cvxpy + Clarabel", *_medians(theirs), f"{max(above):+.1e} bpb" if above else "", "", failed
            )
    console = Console(width=130)
    console.print(table)
    aim = problem(options.domains[0], options.tasks, 0)
    several, within = planted.replicates(aim, options.replicates, SPREAD), planted.limits(aim.anchor)
    _, wall, cpu = timed(lambda: [best_mix(one, within) for one in several])
    console.print(f"{len(several)} replicates at {options.domains[0]} domains: {wall:.2f} s ({cpu:.2f} CPU)")
    robust, wall, cpu = timed(lambda: best_robust_mix(several, within))
    console.print(
        f"robust optimum over them: {wall:.2f} s ({cpu:.2f} CPU), gap {robust.gap / robust.range:.1e} of the range"
    )


def _medians(runs: list[tuple[Any, float, float]]) -> tuple[str, str]:
    return tuple(f"{np.median([run[which] for run in runs]):.3f}" for which in (1, 2))  # type: ignore[return-value]


if __name__ == "__main__":
    main()
