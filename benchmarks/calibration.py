"""Calibration: do nominal 90 % intervals hold what they say, on RegMix and in worlds whose optimum is planted?

    .venv/bin/python benchmarks/calibration.py scores REGMIX             # losses of 256 unseen runs
    .venv/bin/python benchmarks/calibration.py weights REGMIX            # weights of a planted optimum, and gains
    .venv/bin/python benchmarks/calibration.py cost                      # 50 tasks × 128 runs × 24 domains × 200

REGMIX is the folder with RegMix's data/*.csv. The planted truth is a law fitted to all 512 runs, its residuals'
variance the noise. `weights` tells intervals of the worlds from the usual ones: percentiles of the posterior's optima,
of refits' optima, and of a Bayesian bootstrap over mixes. A weight counts if its planted value is inside its bounds.
"""

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from mixes.certainty.intervals import gain_of, score_intervals, weight_intervals
from mixes.certainty.local_fit import local_fits
from mixes.certainty.worlds import Worlds, imagine_worlds
from mixes.laws.fit import TaskLaw
from mixes.laws.registry import LAWS
from mixes.optimum.best import best_mix
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part
from mixes.runs import Run, Runs
from mixes.swarm import SwarmSettings, draw_swarm

COVERAGE = 0.9
SMALL = ("arxiv", "freelaw", "github", "pile_cc", "pubmed_central", "stackexchange", "wikipedia_en")
NATURAL = (
    0.11328527, 0.07960865, 0.00391349, 0.1853759, 0.05108136, 0.01596293, 0.10175077, 0.00370752, 0.06652935,
    0.00175077, 0.02708548, 0.23686921, 0.01184346, 0.00792997, 0.00803296, 0.03882595, 0.04644696,
)  # fmt: skip
PULL = 0.5  # in noises of a difference, as RecommendSettings.pull
USUAL = ("posterior", "refits", "bootstrap")  # percentiles of whose optima are compared with
INSIDE = 1e-4  # a planted weight below is at its bound


def columns(file: Path) -> tuple[list[str], np.ndarray]:
    """Short column names and values of one of RegMix's files, in order of its index."""
    with file.open() as lines:
        header, *rows = list(csv.reader(lines))
    names = [name.split("pile_", 1)[1].removesuffix("_val_loss").removesuffix("_val/loss") for name in header[1:]]
    values = np.array(rows, dtype=float)
    return names, values[np.argsort(values[:, 0]), 1:]


def regmix(folder: Path, part: str) -> Runs:
    """RegMix's `train` or `test` runs; weights are rounded there, so they are renormalised."""
    domains, weights = columns(folder / f"{part}_mixture_1m.csv")
    tasks, losses = columns(folder / f"{part}_pile_loss_1m.csv")
    weights /= weights.sum(axis=1, keepdims=True)
    return as_runs(domains, weights, tasks, losses.T)


def as_runs(domains: Sequence[str], weights: np.ndarray, tasks: Sequence[str], scores: np.ndarray) -> Runs:
    """Weights (n, d) and scores (T, n) as runs."""
    return Runs(
        tuple(
            Run(f"{i:05d}", f"{i:05d}", dict(zip(domains, w, strict=True)), dict(zip(tasks, s, strict=True)))
            for i, (w, s) in enumerate(zip(weights.tolist(), scores.T.tolist(), strict=True))
        )
    )


def fitted(runs: Runs, name: str) -> dict[str, TaskLaw]:
    """One law for all tasks; what cross-validation would say of it is left out."""
    parameters = LAWS[name].fit(runs.weights(), runs.scores(), np.ones((len(runs.tasks), len(runs.runs))))
    return {
        task: TaskLaw(task, LAWS[name], runs.domains, parameters[t], 0.0, 0.0, {}, {})
        for t, task in enumerate(runs.tasks)
    }


def subset(runs: Runs, count: int, seed: int) -> Runs:
    """The first `count` of a permutation, in order."""
    chosen = sorted(np.random.default_rng(seed).permutation(len(runs.runs))[:count])
    return Runs(tuple(runs.runs[i] for i in chosen))


def cover_scores(folder: Path, seeds: int, show: Console) -> None:
    """Of unseen runs' losses: overall, for the fifth farthest from the swarm, and the least and most covered task."""
    train, test = regmix(folder, "train"), regmix(folder, "test")
    unseen = test.weights()
    table = table_of("Losses of 256 unseen runs", "law", "runs", "covered", "farthest fifth", "tasks", "width", "CPU s")
    for name in ("transfer", "log_linear"):
        for count in (32, 64, 128, 256):
            hits, far, width, start = [], [], [], time.process_time()
            for seed in range(seeds):
                runs = subset(train, count, seed)
                fits = local_fits(runs, fitted(runs, name))
                ends = np.array([score_intervals(fits, {task: 1.0}, unseen, COVERAGE) for task in runs.tasks])
                inside = (ends[..., 0] <= test.scores()) & (test.scores() <= ends[..., 1])
                away = np.array([fits[task].leverage_at(unseen) for task in runs.tasks])
                hits.append(inside.mean(axis=1))
                far.append(inside[away >= np.quantile(away, 0.8, axis=1, keepdims=True)].mean())
                width.append((ends[..., 1] - ends[..., 0]).mean())
            by_task, spent = np.mean(hits, axis=0), (time.process_time() - start) / seeds
            table.add_row(
                name, str(count), f"{by_task.mean():.1%}", f"{np.mean(far):.1%}",
                f"{by_task.min():.1%} – {by_task.max():.1%}", f"{np.mean(width):.3f}", f"{spent:.2f}",
            )  # fmt: skip
    show.print(table)


def solve(objective: Objective, start: np.ndarray) -> np.ndarray:
    """The best mix on the simplex."""
    return best_mix(objective, Limits(tuple(f"d{i:03d}" for i in range(len(start))))).mix


@dataclass(frozen=True)
class Planted:
    """A truth, and the standard deviation of the noise of its tasks."""

    laws: dict[str, TaskLaw]
    noise: np.ndarray  # (T, 1)
    natural: np.ndarray  # (d,)

    @property
    def domains(self) -> tuple[str, ...]:
        """In the order of every array."""
        return next(iter(self.laws.values())).domains

    @property
    def aim(self) -> dict[str, float]:
        """The mean over tasks."""
        return {task: 1 / len(self.laws) for task in self.laws}

    def pull(self, pull: float) -> float:
        """λ, for a pull in noises of a difference."""
        return pull * float(np.sqrt(2 * (self.noise**2).sum()) / len(self.laws))

    def scores(self, mixes: np.ndarray) -> np.ndarray:
        """(T, n) at mixes (n, d)."""
        return np.array([law.predict(mixes) for law in self.laws.values()])

    def swarm(self, weights: np.ndarray, rng: np.random.Generator) -> Runs:
        """Mixes (n, d), scored with noise."""
        truth = self.scores(weights)
        measured = truth + rng.standard_normal(truth.shape) * self.noise
        return as_runs(self.domains, weights, list(self.laws), measured)


def planted(folder: Path, name: str, small: bool) -> Planted:
    """A law fitted to RegMix; `small`: the same over SMALL alone, fitted once more to 400 of its own scores there."""
    train = regmix(folder, "train")
    laws = fitted(train, name)
    noise = np.array([(law.predict(train.weights()) - train.scores()[t]).std() for t, law in enumerate(laws.values())])
    by_name = dict(zip(columns(folder / "train_mixture_1m.csv")[0], NATURAL, strict=True))
    if small:
        places = [train.domains.index(domain) for domain in SMALL]
        drawn = np.random.default_rng(0).dirichlet(np.ones(len(SMALL)), size=400)
        everywhere = np.zeros((len(drawn), len(train.domains)))
        everywhere[:, places] = drawn
        noise = noise[[train.tasks.index(task) for task in SMALL]]
        laws = fitted(as_runs(SMALL, drawn, SMALL, np.array([laws[task].predict(everywhere) for task in SMALL])), name)
    natural = np.array([by_name[domain] for domain in next(iter(laws.values())).domains])
    return Planted(laws, noise[:, None], natural / natural.sum())


def drawn_swarm(truth: Planted, count: int, seed: int) -> np.ndarray:
    """(count, d) as draw_swarm would choose them."""
    tokens = {name: int(1e9 * share) for name, share in zip(truth.domains, truth.natural, strict=True)}
    swarm = draw_swarm(tokens, 1, SwarmSettings(mixes=count - 2, seeds=2), seed)
    mixes = {candidate.mix: candidate.weights for candidate in swarm}
    return np.array([[mix[domain] for domain in truth.domains] for mix in mixes.values()])


def best_of(laws: dict[str, TaskLaw], natural: np.ndarray, pull: float) -> np.ndarray:
    """The best mix for the mean over the laws."""
    parameters = np.array([law.parameters for law in laws.values()])
    part = Part(next(iter(laws.values())).kind, parameters, np.full(len(laws), 1 / len(laws)))
    return solve(Objective((part,), natural, pull), natural)


def bayesian_bootstrap(runs: Runs, laws: dict[str, TaskLaw], replicates: int, seed: int) -> Worlds:
    """The laws refitted with random weights on the mixes; as worlds whose truth is the fit itself."""
    rows = np.random.default_rng(seed).dirichlet(np.ones(len(runs.runs)), size=replicates) * len(runs.runs)
    near = {task: np.tile(law.parameters, (replicates, 1)) for task, law in laws.items()}
    refits = {
        task: law.kind.fit(runs.weights(), np.tile(runs.scores()[t], (replicates, 1)), rows, near[task])
        for t, (task, law) in enumerate(laws.items())
    }
    return Worlds({task: law.kind for task, law in laws.items()}, near, refits)


def cover_weights(folder: Path, truths: list[str], seeds: int, replicates: int, compare: bool, show: Console) -> None:
    """Of the planted optimum's weights; and of the true gain of the mix that was found."""
    table = table_of(
        f"Planted optima: {seeds} swarms a row, {replicates} worlds each",
        "truth", "domains × runs", "pull", "covered", "above 1 %", "width", "error", "usual", "gain covered",
        "optimism", "chance",
    )  # fmt: skip
    for name in truths:
        for small, count in ((False, 64), (False, 128), (True, 24)):
            truth = planted(folder, name, small)
            rows: dict[float, dict[str, list]] = {pull: defaultdict(list) for pull in (0.0, PULL)}
            for seed in range(seeds):
                whole = None if small else subset(regmix(folder, "train"), count, seed).weights()
                weights = drawn_swarm(truth, count, seed) if whole is None else whole
                one_swarm(truth, truth.swarm(weights, np.random.default_rng([seed, count])), replicates, compare, rows)
            for pull, found in rows.items():
                mean = {key: float(np.mean(values)) for key, values in found.items()}
                usual = ", ".join(f"{key} {mean[key]:.0%}" for key in USUAL if key in mean)
                table.add_row(
                    name, f"{len(truth.domains)} × {count}", f"{pull:g}", f"{mean['covered']:.1%}",
                    f"{mean['large']:.1%}", f"{mean['width']:.3f}", f"{mean['error']:.3f}", usual,
                    f"{mean['gain']:.0%}", f"{mean['optimism']:+.4f} (true {mean['true_optimism']:+.4f})",
                    f"{mean['chance']:.2f} (true {mean['true_chance']:.2f})",
                )  # fmt: skip
    show.print(table)


def optima_of(
    worlds: Worlds, aim: Mapping[str, float], natural: np.ndarray, pull: float, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best mixes (B, n_domains) of the worlds' truths, and those of their refits."""
    truths, refits = (worlds.objectives(aim, natural, pull, side) for side in ("truths", "refits"))
    return np.array([solve(truth, start) for truth in truths]), np.array([solve(refit, start) for refit in refits])


def one_swarm(truth: Planted, runs: Runs, replicates: int, compare: bool, rows: dict[float, dict[str, list]]) -> None:
    """What one swarm's intervals say, and whether they are right, by pull."""
    laws = fitted(runs, next(iter(truth.laws.values())).kind.name)
    worlds = imagine_worlds(local_fits(runs, laws), runs.weights(), replicates, 0)
    boot = bayesian_bootstrap(runs, laws, replicates, 0) if compare else None
    natural, zero, one = truth.natural, np.zeros(len(truth.natural)), np.ones(len(truth.natural))
    for pull, row in rows.items():
        strength = truth.pull(pull)
        right, best = best_of(truth.laws, natural, strength), best_of(laws, natural, strength)
        optima = optima_of(worlds, truth.aim, natural, strength, best)
        ends = weight_intervals(best, optima, zero, one, COVERAGE)
        inside, large = right > INSIDE, right > 0.01
        row["covered"] += within(ends[inside], right[inside])
        row["large"] += within(ends[large], right[large])
        row["width"] += (ends[inside, 1] - ends[inside, 0]).tolist()
        row["error"] += np.abs(best - right)[inside].tolist()
        mixes = {"posterior": optima[0], "refits": optima[1]}
        if boot:
            mixes["bootstrap"] = optima_of(boot, truth.aim, natural, strength, best)[1]
        for key, drawn in mixes.items():
            row[key] += within(np.quantile(drawn, [0.05, 0.95], axis=0).T[inside], right[inside])
        for_gains(truth, laws, worlds, best, optima[1], row)


def for_gains(
    truth: Planted, laws: dict[str, TaskLaw], worlds: Worlds, best: np.ndarray, found: np.ndarray, row: dict[str, list]
) -> None:
    """Of the target's gain and each task's, at the mix that was found."""
    at = np.array([truth.natural, best])
    before, after = truth.scores(at).T
    claims = [law.predict(at) for law in laws.values()]
    for aim in (truth.aim, *({task: 1.0} for task in laws)):
        values = np.array([aim.get(task, 0.0) for task in laws])
        claimed = float(values @ [claim[0] - claim[1] for claim in claims])
        right = float(values @ (before - after))
        gain = gain_of(claimed, worlds.own_gains(found, truth.natural).errors(aim), COVERAGE)
        row["gain"].append(gain.low <= right <= gain.high)
        row["chance"].append(gain.chance)
        row["true_chance"].append(right > 0)
        if len(aim) > 1:
            row["optimism"].append(gain.optimism)
            row["true_optimism"].append(claimed - right)


def within(ends: np.ndarray, values: np.ndarray) -> list[bool]:
    """Which values their ends hold, to a solver's precision."""
    return ((ends[:, 0] - 1e-6 <= values) & (values <= ends[:, 1] + 1e-6)).tolist()


def cost(show: Console) -> None:
    """Seconds for 50 tasks × 128 runs × 24 domains × 200 worlds with intervals on weights."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(24, 0.5), size=128)
    help_ = np.exp(rng.normal(-1.5, 1.5, size=(50, 24)))
    scores = 1 + (0.2 + help_ @ (weights**0.5).T) ** -0.5
    scores += rng.standard_normal(scores.shape) * 0.1 * scores.std(axis=1, keepdims=True)
    runs = as_runs([f"d{i:02d}" for i in range(24)], weights, [f"t{i:02d}" for i in range(50)], scores)
    laws = fitted(runs, "transfer")
    aim = {task: 1 / 50 for task in runs.tasks}
    marks = [(time.perf_counter(), time.process_time())]
    worlds = imagine_worlds(local_fits(runs, laws), weights, 200, 0)
    marks.append((time.perf_counter(), time.process_time()))
    natural = np.full(24, 1 / 24)
    best = best_of(laws, natural, 0.0)
    optima = optima_of(worlds, aim, natural, 0.0, best)
    weight_intervals(best, optima, np.zeros(24), np.ones(24), COVERAGE)
    marks.append((time.perf_counter(), time.process_time()))
    gains = worlds.own_gains(optima[1], natural)
    for task in runs.tasks:
        gain_of(0.0, gains.errors({task: 1.0}), COVERAGE)
    marks.append((time.perf_counter(), time.process_time()))
    table = table_of("50 tasks × 128 runs × 24 domains × 200 worlds", "step", "seconds", "CPU s")
    for step, (a, b), (c, d) in zip(("worlds", "400 optima", "50 gains"), marks, marks[1:], strict=False):
        table.add_row(step, f"{c - a:.1f}", f"{d - b:.1f}")
    show.print(table)


def table_of(title: str, *names: str) -> Table:
    """An empty table."""
    table = Table(title=title)
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number == 0 else "right")
    return table


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["scores", "weights", "cost"])
    parser.add_argument("regmix", type=Path, nargs="?")
    parser.add_argument("--truth", nargs="+", default=["transfer", "log_linear"], help="of `weights`")
    parser.add_argument("--swarms", type=int, default=20)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--compare", action="store_true", help="the Bayesian bootstrap, too")
    asked, show = parser.parse_args(), Console(width=160)
    if asked.what == "scores":
        cover_scores(asked.regmix, asked.swarms, show)
    elif asked.what == "weights":
        cover_weights(asked.regmix, asked.truth, asked.swarms, asked.worlds, asked.compare, show)
    else:
        cost(show)


if __name__ == "__main__":
    main()
