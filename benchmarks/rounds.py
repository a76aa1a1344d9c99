"""Rounds against one go: how far the recommended mix is from the best, a law of RegMix's swarm being the truth.

    .venv/bin/python benchmarks/rounds.py REGMIX [--truth transfer] [--runs 32 64 128] [--repeats 20]

REGMIX is the folder with RegMix's data/*.csv. The truth is a law fitted to its 512 runs, its residuals' variance the
noise of a score. A swarm of that many runs is drawn, measured and recommended from by the product's own functions, once
in one go and once in rounds of a half, a quarter and a quarter. Regret: what the best mix scores better, nats.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from calibration import NATURAL, columns, fitted, regmix
from rich.console import Console
from rich.table import Table

from mixes.certainty.fitted import fit_swarm
from mixes.laws.fit import TaskLaw
from mixes.optimum.best import best_mix
from mixes.optimum.holdings import Holdings
from mixes.optimum.limits import Limits
from mixes.optimum.objective import stacked
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.rounds import look_ahead
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs
from mixes.swarm import Candidate, SwarmSettings, draw_round, draw_swarm

TARGETS: dict[str, dict[str, float]] = {
    "all 13 losses": {}, "pile_cc": {"pile_cc": 1.0}, "github, stackexchange": {"github": 0.5, "stackexchange": 0.5},
}  # fmt: skip
MANY = 10**12  # tokens of all domains: nothing is scarce
BESIDE = 3  # runs beside the candidates: natural twice, uniform
SHARES = {"one go": (1.0,), "rounds": (0.5, 0.25, 0.25)}


@dataclass(frozen=True)
class Trial:
    """One swarm and its recommendation."""

    folder: Path
    truth: str
    law: str
    target: str
    way: str
    runs: int
    explore: float
    repeat: int


@cache
def world(folder: Path, truth: str) -> tuple[dict[str, TaskLaw], dict[str, float], dict[str, float]]:
    """Task → true law; task → standard deviation of a score; domain → natural share."""
    seen = regmix(folder, "train")
    laws = fitted(seen, truth)
    off = {task: laws[task].predict(seen.weights()) - seen.scores()[t] for t, task in enumerate(seen.tasks)}
    natural = dict(zip(columns(folder / "train_mixture_1m.csv")[0], NATURAL, strict=True))
    return laws, {task: float(one.std()) for task, one in off.items()}, natural


def regret(trial: Trial) -> tuple[float, float]:
    """Regret of the recommended mix, and what the best mix gains over natural."""
    laws, noise, natural = world(trial.folder, trial.truth)
    tokens = {name: MANY * share for name, share in natural.items()}
    rng = np.random.default_rng([trial.repeat, trial.runs])
    sizes = split(trial.runs - BESIDE, SHARES[trial.way])
    swarm = SwarmSettings(rounds=sizes, seeds=2, replicated=0, explore=trial.explore)
    asked = RecommendSettings(target=TARGETS[trial.target], law=trial.law)
    holdings, families = Holdings(natural), {task: task for task in laws}
    candidates = draw_swarm(tokens, 1, swarm, trial.repeat)
    runs = measured(candidates, laws, noise, rng)
    for number in range(2, len(sizes) + 1):
        optima = look_ahead(Question(Runs(runs), families, holdings, asked, trial.repeat), sizes[number - 1]).optima
        more = draw_round(number, candidates, optima, natural, dict.fromkeys(natural, 1.0), swarm, trial.repeat)
        candidates, runs = candidates + more, runs + measured(more, laws, noise, rng)
    question = Question(Runs(runs), families, holdings, asked, trial.repeat)
    problem = problem_of(question, fit_swarm(question.runs, trial.law, trial.repeat))
    recommended = problem.solve(problem.objective, problem.limits).mix
    aim = TARGETS[trial.target] or dict.fromkeys(laws, 1 / len(laws))
    true = stacked(
        [laws[t].kind for t in aim], [laws[t].parameters for t in aim], list(aim.values()), problem.anchor, 0.0
    )
    seen = regmix(trial.folder, "train").weights() if not true.convex else None
    best = best_mix(true, Limits(question.runs.domains), candidates=seen).mix
    there, here, at_natural = true.value(np.array([best, recommended, problem.anchor])).tolist()
    return here - there, at_natural - there


def measured(
    candidates: Sequence[Candidate], laws: dict[str, TaskLaw], noise: dict[str, float], rng: np.random.Generator
) -> list[Run]:
    """The candidates' scores under the truth."""
    domains = next(iter(laws.values())).domains
    mixes = np.array([[candidate.weights[name] for name in domains] for candidate in candidates])
    scores = {task: law.predict(mixes) + noise[task] * rng.standard_normal(len(mixes)) for task, law in laws.items()}
    return [
        Run(f"{one.mix}/{one.seed}", one.mix, one.weights, {task: float(scores[task][i]) for task in laws})
        for i, one in enumerate(candidates)
    ]


def split(total: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Whole numbers in these shares."""
    ends = np.round(total * np.cumsum([0.0, *shares])).astype(int)
    return tuple(np.diff(ends).tolist())


def main() -> None:
    """Prints the table."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("regmix", type=Path)
    read.add_argument("--truth", default="transfer")
    read.add_argument("--law", default="auto")
    read.add_argument("--runs", type=int, nargs="+", default=[32, 64, 128])
    read.add_argument("--repeats", type=int, default=20)
    read.add_argument("--explore", type=float, default=SwarmSettings().explore)
    read.add_argument("--workers", type=int, default=2)
    read.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    given = read.parse_args()
    began, console = time.monotonic(), Console(width=120)
    table = Table(title=f"Truth: {given.truth}; law: {given.law}; {given.repeats} repetitions", title_justify="left")
    for column in ("target", "best gains", "runs", *(f"regret, {way}" for way in SHARES), "rounds − one go"):
        table.add_column(column, justify="right")
    with ProcessPoolExecutor(given.workers) as pool:
        for target in given.targets:
            for runs in given.runs:
                trials = [
                    [Trial(given.regmix, given.truth, given.law, target, way, runs, given.explore, repeat)
                     for repeat in range(given.repeats)] for way in SHARES
                ]  # fmt: skip
                done = np.array([list(pool.map(regret, mine)) for mine in trials])  # (ways, repeats, 2)
                found = done[..., 0]
                cells = [said(mine) for mine in (*found, found[1] - found[0])]
                table.add_row(target, f"{done[0, 0, 1]:.3f}", str(runs), *cells)
                print(target, runs, *cells, f"{time.monotonic() - began:.0f} s", sep="  ", flush=True)
    console.print(table)


def said(values: np.ndarray) -> str:
    """Mean and its standard error."""
    return f"{values.mean():.4f} ± {values.std(ddof=1) / len(values) ** 0.5:.4f}"


if __name__ == "__main__":
    main()
