"""How many proxies a swarm needs: regret reached against proxies used, with `swarm.stop`, fixed numbers and rounds.

    python benchmarks/stopping.py regmix FOLDER [--repeats 20] [--stops 1 0.5 0.25] [--most 128]
    python benchmarks/stopping.py olmix [the same] [--only stop]

The truth is the transfer law fitted to all runs of RegMix's swarm (FOLDER holds its data/*.csv), or of Olmix's (which
comes with mixwright; a fifth of its tasks), and its residuals' variance the noise of a score. Swarms are drawn,
measured, stopped and recommended from by the product's own functions; the target is the mean of all tasks. Regret:
what the best mix truly scores better than the recommended one, in the truth's noises of a difference.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from calibration import NATURAL, columns, fitted, regmix
from rich.console import Console
from rich.table import Table
from rounds import measured, split

import mixes
from mixes.certainty.fitted import fit_swarm
from mixes.laws.fit import TaskLaw
from mixes.optimum.holdings import Holdings
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.rounds import FOR_REGRET, look_ahead
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs
from mixes.swarm import SwarmSettings, draw_round, draw_swarm
from mixes.tables.read import read_tokens

MANY = 10**12  # tokens of all domains: nothing is scarce
EVERY = 5  # of Olmix's tasks, every fifth
FIXED = (32, 64, 128)


@dataclass(frozen=True)
class World:
    """A truth to measure swarms in."""

    laws: dict[str, TaskLaw]
    noise: dict[str, float]  # task → standard deviation of a score
    natural: dict[str, float]

    @property
    def difference(self) -> float:
        """Noise of a difference between two proxies on the target."""
        return float(np.sqrt(2 * sum(size**2 for size in self.noise.values())) / len(self.noise))


@cache
def world(name: str, folder: Path | None) -> World:
    """RegMix's or Olmix's swarm as a truth."""
    if name == "regmix":
        assert folder
        runs = regmix(folder, "train")
        natural = dict(zip(columns(folder / "train_mixture_1m.csv")[0], NATURAL, strict=True))
    else:
        files = mixes.example_files()
        whole = mixes.read_swarm(
            files / "ratios.csv", files / "metrics.csv", families=files / "families.yaml"
        ).scored.runs.by_mix()  # fmt: skip
        tokens = read_tokens(files / "tokens.csv")
        natural = {domain: tokens[domain] / sum(tokens.values()) for domain in whole.domains}
        kept = list(range(0, len(whole.tasks), EVERY))
        runs = Runs.from_arrays(
            whole.ids, whole.mixes, whole.domains, [whole.tasks[t] for t in kept], whole.weights(),
            whole.scores()[kept], whole.sizes_of_runs,
        )  # fmt: skip
    laws = fitted(runs, "transfer")
    off = {task: laws[task].predict(runs.weights()) - runs.scores()[t] for t, task in enumerate(runs.tasks)}
    return World(laws, {task: float(one.std()) for task, one in off.items()}, natural)


@dataclass(frozen=True)
class Way:
    """How many proxies are trained."""

    name: str
    settings: SwarmSettings


def trial(name: str, folder: Path | None, way: Way, repeat: int) -> tuple[int, float, float]:
    """Mixes trained, true regret in noises, and the regret that was expected at the end."""
    truth = world(name, folder)
    rng, swarm = np.random.default_rng([repeat, 7]), way.settings
    candidates = draw_swarm({one: MANY * share for one, share in truth.natural.items()}, 1, swarm, repeat)
    runs = measured(candidates, truth.laws, truth.noise, rng)
    families = {task: task for task in truth.laws}

    def question() -> Question:
        seeds = {f"{one.mix}/{one.seed}": one.seed for one in candidates}
        return Question(
            Runs(runs), families, Holdings(truth.natural), RecommendSettings(law="transfer"), repeat, seeds
        )  # fmt: skip

    rounds = swarm.schedule(len(truth.natural))
    for number in range(2, len(rounds) + 1):
        ahead = look_ahead(question(), max(rounds[number - 1], FOR_REGRET))
        if swarm.stop and ahead.noises <= swarm.stop.regret:
            break
        caps = dict.fromkeys(truth.natural, 1.0)
        more = draw_round(number, candidates, ahead.optima, truth.natural, caps, swarm, repeat)
        candidates, runs = candidates + more, runs + measured(more, truth.laws, truth.noise, rng)
    problem = problem_of(question(), fit_swarm(Runs(runs), "transfer", repeat, question().seeds))
    recommended = problem.solve(problem.objective, problem.limits).mix
    parameters = {task: law.parameters for task, law in truth.laws.items()}
    kinds = {task: law.kind for task, law in truth.laws.items()}
    from mixes.recommendation.problem import objective_of

    aim = dict.fromkeys(truth.laws, 1 / len(truth.laws))
    true = objective_of(kinds, parameters, aim, problem.anchor, problem.pull)
    best = problem.solve(true, problem.limits).mix
    here, there = true.value(np.array([recommended, best]))
    return len(candidates), float(here - there) / truth.difference, look_ahead(question(), FOR_REGRET).noises


def main() -> None:
    """Prints the table."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("swarm", choices=("regmix", "olmix"))
    read.add_argument("folder", type=Path, nargs="?")
    read.add_argument("--repeats", type=int, default=20)
    read.add_argument("--stops", type=float, nargs="+", default=[1.0, 0.5, 0.25])
    read.add_argument("--most", type=int, default=128)
    read.add_argument("--only", choices=("at once", "rounds", "stop"), help="one kind of ways")
    read.add_argument("--workers", type=int, default=2)
    asked, console = read.parse_args(), Console(width=120)
    plain = partial(SwarmSettings, seeds=2, replicated=2)
    ways = [Way(f"{count} at once", plain(mixes=count)) for count in FIXED]
    ways += [Way(f"rounds, {count}", plain(rounds=split(count, (0.5, 0.25, 0.25)))) for count in FIXED]
    ways += [Way(f"stop at {size:g}", plain(mixes=asked.most, stop={"regret": size})) for size in asked.stops]
    ways = [way for way in ways if asked.only is None or asked.only in way.name]
    table = Table(title=f"{asked.swarm}: {asked.repeats} repetitions", title_justify="left")
    for column in ("way", "proxies", "regret, noises", "expected", "worst"):
        table.add_column(column, justify="left" if column == "way" else "right")
    with ProcessPoolExecutor(asked.workers) as pool:
        for way in ways:
            one: Callable[[int], tuple[int, float, float]] = partial(trial, asked.swarm, asked.folder, way)
            proxies, regret, expected = np.array(list(pool.map(one, range(asked.repeats)))).T
            error = regret.std(ddof=1) / len(regret) ** 0.5
            table.add_row(
                way.name, f"{proxies.mean():.0f} ({proxies.min():.0f}–{proxies.max():.0f})",
                f"{regret.mean():.2f} ± {error:.2f}", f"{expected.mean():.2f}", f"{regret.max():.2f}",
            )  # fmt: skip
            console.print(way.name, f"{proxies.mean():.0f} {regret.mean():.2f} {expected.mean():.2f}", style="dim")
    console.print(table)


if __name__ == "__main__":
    main()
