"""How well runs of smaller sizes predict those of a larger one: rank, error, and coverage of the 90 % intervals.

    python benchmarks/sizes.py planted          six sizes, seven domains, few mixes each; the largest is held out
    python benchmarks/sizes.py regmix FOLDER    RegMix's 1M and 60M proxies predict those of 1B
    python benchmarks/sizes.py sample WORK      an experiment's work folder with swarms of several proxy sizes

FOLDER is RegMix's data/ (sail-sg/regmix). Beside this law stands the transfer law of the largest size that is not held
out. Errors are in standard deviations of the held-out scores over mixes.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.laws import read
from mixes.certainty.at_size import fit_at_size
from mixes.certainty.check_at import check_law_at
from mixes.certainty.intervals import gain_of
from mixes.errors import MixError
from mixes.laws.check import check_law
from mixes.recommendation.recommend import imagined
from mixes.runs import Run, Runs, Size

PARAMETERS = np.array([122e6, 190e6, 300e6, 470e6, 760e6, 1.2e9])
DOMAINS, TASKS = 7, 7
KINDS = ("plain", "growing", "shrinking", "drifting", "interactions", "accuracy")


@dataclass(frozen=True)
class PlantedTruth:
    """What mixes score at sizes, over which a law of another form is fitted."""

    score: Callable[[np.ndarray, float], np.ndarray]  # a mix (n_domains,), parameters → (n_tasks,)
    noise: np.ndarray | float  # of one run, for a noise of 1: (n_tasks,) standard deviations over mixes


def planted_truth(kind: str, rng: np.random.Generator, largest: float = PARAMETERS[-1]) -> PlantedTruth:
    """A truth of one of KINDS; mixes differ by one standard deviation at the `largest` size."""
    worth = np.exp(rng.normal(-1, 1.5, (TASKS, DOMAINS)))
    power, steep = rng.uniform(0.35, 0.65, (TASKS, DOMAINS)), rng.uniform(0.3, 0.8, TASKS)
    pairs, wander = rng.normal(size=(TASKS, DOMAINS, DOMAINS)), rng.normal(size=(TASKS, DOMAINS))
    exponent, height = rng.uniform(0.15, 0.4, TASKS), rng.uniform(0.3, 0.8, TASKS)

    def effect(w: np.ndarray) -> np.ndarray:
        value = (0.3 + np.einsum("td,td->t", worth, w**power)) ** -steep
        return value + 0.15 * np.einsum("tij,i,j->t", pairs, w, w) if kind == "interactions" else value

    usual = np.array([effect(w) for w in rng.dirichlet(np.ones(DOMAINS), 300)])
    spread, mean = usual.std(axis=0), usual.mean(axis=0)
    growth = {"growing": 0.25, "shrinking": -0.25, "accuracy": 0.1}.get(kind, 0.0)

    def score(w: np.ndarray, n: float) -> np.ndarray:
        x = np.log(n / largest)
        y = height * np.exp(-exponent * x) + mean + np.exp(growth * x) * (effect(w) - mean)
        if kind == "drifting":
            y -= 0.6 * x * spread * (wander @ (w - 1 / DOMAINS))
        return -1 / (1 + np.exp(1.5 * (y - 1.2 * mean))) if kind == "accuracy" else y

    return PlantedTruth(score, 0.06 if kind == "accuracy" else spread)


def planted(kind: str, mixes: int, seed: int, noise: float = 0.05) -> tuple[Runs, np.ndarray]:
    """A swarm, and for the last size the truth (n_tasks, n) at its mixes; noise in standard deviations over mixes."""
    rng = np.random.default_rng(seed)
    truth = planted_truth(kind, rng)
    runs, truths = [], []
    for number, n in enumerate(PARAMETERS):
        for j in range(mixes):
            w = rng.dirichlet(np.full(DOMAINS, 0.8))
            y = truth.score(w, float(n))
            scores = y + noise * truth.noise * rng.normal(size=TASKS)
            truths.append(y)
            weights, by_task = (
                {f"{s}{i}": float(v) for i, v in enumerate(values)} for s, values in (("d", w), ("t", scores))
            )
            size = Size(float(n), 20 * float(n))
            runs.append(Run(f"s{number}r{j:03d}", f"s{number}m{j:03d}", weights, by_task, size))
    return Runs(runs), np.array(truths[-mixes:]).T


def gains_covered(train: Runs, test: Runs, truth: np.ndarray, size: Size) -> float:
    """Share of the gains between neighbouring held-out mixes that lie in their 90 % intervals."""
    fitted = fit_at_size(train, size)
    worlds = imagined(fitted, 100, 0)
    weights, inside = test.weights(), []
    for t, task in enumerate(test.tasks):
        values, errors = fitted.laws[task].predict(weights), worlds.errors({task: 1.0}, weights)
        for i in range(0, len(weights) - 1, 2):
            gain = gain_of(values[i] - values[i + 1], errors[:, i] - errors[:, i + 1], 0.9)
            inside.append(gain.low <= truth[t, i] - truth[t, i + 1] <= gain.high)
    return float(np.mean(inside))


def row(train: Runs, test: Runs, size: Size) -> list[float]:
    """Rank, that of the largest size alone, error, half width of the score's interval, coverage, processor seconds."""
    started = time.process_time()
    checked = check_law_at(train, test, size)
    seconds = time.process_time() - started
    spread = dict(zip(test.tasks, test.scores().std(axis=1), strict=True))
    assert checked.errors
    assert checked.coverage
    largest = max(own for own in train.sizes if own is not None)
    rows = [i for i, own in enumerate(train.sizes_of_runs) if own == largest]
    try:
        alone = check_law(_one_size(train.select(rows)), _one_size(test), "transfer").spearman_mean
    except MixError:  # too few mixes to fit a law to them alone
        alone = float("nan")
    error = np.mean([value / spread[task] for task, value in checked.errors.items()])
    return [checked.spearman_mean, alone, float(error), float(np.mean(list(checked.coverage.values()))), seconds]


def _one_size(runs: Runs) -> Runs:
    return Runs([replace(run, size=None) for run in runs.runs])


def show(name: str, rows: list[list[float]], gains: list[float]) -> None:
    """One line: means over the swarms."""
    rank, alone, error, coverage, seconds = np.mean(rows, axis=0)
    of_gains = f"{np.mean(gains):.2f}" if gains else "–"
    print(
        f"| {name} | {rank:.3f} | {alone:.3f} | {error:.2f} | {coverage:.2f} | {of_gains} | {seconds:.1f} |", flush=True
    )


def regmix(folder: Path) -> Iterator[tuple[str, Runs, Runs, Size]]:
    """RegMix's sizes; tokens as its paper says (arXiv 2407.01492): 1B, 1B and 25B."""
    sizes = {"1m": Size(1e6, 1e9), "60m": Size(60e6, 1e9), "1B": Size(1e9, 25e9)}
    held = {
        size: [
            Run(f"{size}/{run.id}", f"{split}/{run.id}", {k.removeprefix("train_"): v for k, v in run.weights.items()},
                {k.removeprefix("metric/"): v for k, v in run.scores.items()}, sizes[size])
            for split in (("train",) if size == "1m" else ("test",)) for run in read(folder, split, size).runs
        ]
        for size in sizes
    }  # fmt: skip
    for few, more, seeds in ((512, 256, 1), (128, 32, 3), (64, 16, 3), (32, 16, 3)):
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            train = [held[s][i] for s, count in (("1m", few), ("60m", more))
                     for i in rng.permutation(len(held[s]))[:count]]  # fmt: skip
            yield f"RegMix, {few} of 1M and {more} of 60M", Runs(train), Runs(held["1B"]), sizes["1B"]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(held["1B"]))
        train = [held["1m"][i] for i in rng.permutation(512)[:64]] + [held["1B"][i] for i in order[:16]]
        yield "RegMix, 64 of 1M and 16 of 1B", Runs(train), Runs([held["1B"][i] for i in order[16:]]), sizes["1B"]


def sample(work: Path) -> Iterator[tuple[str, Runs, Runs, Size]]:
    """The largest size of an experiment's work folder, by the others."""
    import polars as pl

    from mixes.certainty.check_at import hold_out_size
    from pipeline.train.ladder import runs_of_all_sizes

    newest = max((work / "records" / "runs").glob("*.parquet"), key=lambda file: file.stat().st_mtime)
    record = pl.read_parquet(newest).row(0, named=True)
    runs, _ = runs_of_all_sizes(work / "records", record["pool"], record["suite"], print)
    size = max(own for own in runs.sizes if own is not None)
    yield f"sample, {size}", *hold_out_size(runs, size), size


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("planted", "regmix", "sample"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--mixes", nargs="+", type=int, default=[8, 16])
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args()
    print("| swarm | rank | largest size alone | error | coverage | of gains | processor seconds |")
    print("|---|---|---|---|---|---|---|")
    if asked.what == "planted":
        for mixes in asked.mixes:
            for kind in KINDS:
                rows, gains = [], []
                for seed in range(asked.seeds):
                    runs, truth = planted(kind, mixes, seed)
                    last = max(own for own in runs.sizes if own is not None)
                    held = np.array([own == last for own in runs.sizes_of_runs])
                    train, test = runs.select(np.flatnonzero(~held)), runs.select(np.flatnonzero(held))
                    rows.append(row(train, test, last))
                    gains.append(gains_covered(train, test, truth, last))
                show(f"{kind}, {mixes} mixes per size", rows, gains)
        return
    if asked.folder is None:
        parser.error(f"{asked.what} needs a folder")
    by_name: dict[str, list[list[float]]] = {}
    for name, train, test, size in (regmix if asked.what == "regmix" else sample)(asked.folder):
        by_name.setdefault(name, []).append(row(train, test, size))
    for name, rows in by_name.items():
        show(name, rows, [])


if __name__ == "__main__":
    main()
