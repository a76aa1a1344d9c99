"""How well each law ranks unseen mixes of a public swarm, and how fast it fits.

    python benchmarks/laws.py rank FOLDER      Spearman and regret on the unseen runs, subsets of the training runs
    python benchmarks/laws.py scale FOLDER     the same laws, fitted to all 1M runs, on the larger proxies' files
    python benchmarks/laws.py speed            planted scores: a swarm, and bootstrap replicates

FOLDER is RegMix's data/ (sail-sg/regmix): {train,test}_{mixture,pile_loss}_1m.csv, and for `scale` the test files
of 60m and 1B. Nothing here chooses a setting: those come from the training runs alone (docs/EXPERIMENTS.md).
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import polars as pl

from mixes.errors import MixError
from mixes.laws.check import check_law
from mixes.laws.fit import AUTO, fit_laws
from mixes.laws.registry import LAWS
from mixes.runs import Run, Runs


def read(folder: Path, split: str, size: str) -> Runs:
    """One of RegMix's pairs of files, joined by `index`; weights are rounded there, so they are renormalised."""
    mixes = {row.pop("index"): row for row in pl.read_csv(folder / f"{split}_mixture_{size}.csv").to_dicts()}
    losses = {row.pop("index"): row for row in pl.read_csv(folder / f"{split}_pile_loss_{size}.csv").to_dicts()}
    runs = []
    for index, mix in sorted(mixes.items()):
        total = sum(mix.values())
        weights = {name: value / total for name, value in mix.items()}
        runs.append(Run(f"{index:05d}", f"{index:05d}", weights, losses[index]))
    return Runs(tuple(runs))


def subset(runs: Runs, count: int, seed: int) -> Runs:
    """The first `count` of a permutation, in order of index."""
    drawn = np.sort(np.random.default_rng(seed).permutation(len(runs.runs))[:count])
    return Runs(tuple(runs.runs[i] for i in drawn))


def rank(folder: Path, names: list[str], counts: list[int], subsets: int) -> None:
    """Spearman and regret of each law on the unseen runs."""
    train, test = read(folder, "train", "1m"), read(folder, "test", "1m")
    print("law | runs | Spearman, mean ± sd over subsets | regret | seconds, cross-validation included | CPU s")
    for name in names:
        for count in counts:
            seeds = range(subsets if count < len(train.runs) else 1)
            cpu = time.process_time()
            try:
                found = [check_law(subset(train, count, seed), test, name) for seed in seeds]
            except MixError as error:
                print(f"{name} | {count} | {error}")
                continue
            cpu = (time.process_time() - cpu) / len(found)
            spearman = [checked.spearman_mean for checked in found]
            regret = np.mean([checked.regret for checked in found])
            seconds = np.mean([checked.seconds for checked in found])
            print(f"{name} | {count} | {np.mean(spearman):.4f} ± {np.std(spearman):.4f} | {regret:.4f} | "
                  f"{seconds:.2f} | {cpu:.2f}", flush=True)  # fmt: skip


def scale(folder: Path, names: list[str]) -> None:
    """Laws of the smallest proxies on larger ones."""
    train = read(folder, "train", "1m")
    print("law | proxies ranked | runs | Spearman | regret")
    for size in ("1m", "60m", "1B"):
        test = read(folder, "test", size)
        for name in names:
            found = check_law(train, test, name)
            print(f"{name} | {size} | {len(test.runs)} | {found.spearman_mean:.4f} | {found.regret:.4f}", flush=True)


def planted(tasks: int, mixes: int, domains: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (mixes, domains) and scores (tasks, mixes) of transfer laws with noise of a tenth of their spread."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(domains, 0.3), size=mixes)
    factors = np.exp(rng.normal(-1, 1.5, size=(tasks, domains)))
    scores = 1 + (0.5 + factors @ np.sqrt(weights.T)) ** -0.5
    return weights, scores + 0.1 * scores.std(axis=1, keepdims=True) * rng.normal(size=scores.shape)


def timed(what: str, work) -> object:
    """Do it, and print its seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    print(f"{what} | {time.perf_counter() - wall:.2f} | {time.process_time() - cpu:.2f}", flush=True)
    return result


def speed(names: list[str], replicates: int) -> None:
    """Seconds of a fit, of a cross-validated choice, of bootstrap replicates."""
    print(f"{os.cpu_count()} cores\nwhat | seconds | CPU s")
    weights, scores = planted(13, 64, 17)
    for name in names:
        if name != AUTO:
            timed(f"{name}: 13 tasks × 64 runs × 17 domains, one fit", lambda name=name: LAWS[name].fit(
                weights, scores, np.ones_like(scores)))  # fmt: skip
    runs = Runs(tuple(
        Run(f"{i:03d}", f"{i:03d}", {f"d{j:02d}": w for j, w in enumerate(mix)}, {f"t{t:02d}": y for t, y in
            enumerate(scores[:, i])}) for i, mix in enumerate(weights)
    ))  # fmt: skip
    timed("auto: the same, cross-validated", lambda: fit_laws(runs))
    weights, scores = planted(50, 128, 24)
    rows = np.random.default_rng(1).dirichlet(np.ones(128), size=replicates) * 128
    for name in (name for name in names if name != AUTO and LAWS[name].convex):
        near = timed(f"{name}: 50 tasks × 128 runs × 24 domains, one fit", lambda name=name: LAWS[name].fit(
            weights, scores, np.ones_like(scores)))  # fmt: skip
        timed(f"{name}: the same × {replicates} bootstrap replicates", lambda name=name, near=near: LAWS[name].fit(
            weights, np.tile(scores, (replicates, 1)), np.repeat(rows, 50, axis=0), np.tile(near, (replicates, 1)),
        ))  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("rank", "scale", "speed"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--laws", nargs="+", default=[AUTO, *LAWS])
    parser.add_argument("--runs", nargs="+", type=int, default=[32, 64, 128, 512])
    parser.add_argument("--subsets", type=int, default=20)
    parser.add_argument("--replicates", type=int, default=200)
    asked = parser.parse_args()
    if asked.what == "speed":
        speed(asked.laws, asked.replicates)
    elif asked.folder is None:
        parser.error(f"{asked.what} needs FOLDER")
    elif asked.what == "rank":
        rank(asked.folder, asked.laws, asked.runs, asked.subsets)
    else:
        scale(asked.folder, asked.laws)


if __name__ == "__main__":
    main()
