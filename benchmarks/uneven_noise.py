"""Calibration where noise depends on the mix: do 90 % intervals hold near natural and far from it?

    python benchmarks/uneven_noise.py REGMIX [--swarms 20] [--mixes 128] [--times 6]

REGMIX is the folder with RegMix's data/*.csv. The planted truth is the transfer law fitted to all its 512 runs. The
standard deviation of a run's noise grows `--times`-fold from the mix nearest to the centre to the farthest. Printed:
coverage of unseen runs' scores by fifths of distance, and of the true gains of the mix that was found, with the noise
taken as even and as uneven.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from calibration import COVERAGE, as_runs, best_of, fitted, optima_of, planted, regmix, subset
from rich.console import Console
from rich.table import Table

from mixes.certainty.intervals import gain_of, score_intervals
from mixes.certainty.local_fit import LocalFit, local_fits
from mixes.certainty.precision import with_uneven_noise
from mixes.certainty.worlds import imagine_worlds

FIFTHS = 5
WORLDS = 100


def distances(mixes: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Total variation from the centre: not the distance by which the noise is modelled."""
    return np.abs(mixes - centre).sum(axis=1) / 2


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regmix", type=Path)
    parser.add_argument("--swarms", type=int, default=20)
    parser.add_argument("--mixes", type=int, default=128)
    parser.add_argument("--times", type=float, default=6.0)
    asked, show = parser.parse_args(), Console(width=140)
    truth = planted(asked.regmix, "transfer", small=False)
    train, unseen = regmix(asked.regmix, "train"), regmix(asked.regmix, "test").weights()
    centre = train.weights().mean(axis=0)
    away = distances(train.weights(), centre)
    ends = np.quantile(away, [0.01, 0.99])
    fifth = np.digitize(distances(unseen, centre), np.quantile(distances(unseen, centre), [0.2, 0.4, 0.6, 0.8]))

    def noise(mixes: np.ndarray) -> np.ndarray:
        share = np.clip((distances(mixes, centre) - ends[0]) / (ends[1] - ends[0]), 0, 1)
        return truth.noise * asked.times**share / asked.times**0.5

    hits: dict[str, list] = defaultdict(list)
    for seed in range(asked.swarms):
        rng = np.random.default_rng([seed, asked.mixes])
        weights = subset(train, asked.mixes, seed).weights()
        scores = truth.scores(weights) + rng.standard_normal((len(truth.laws), len(weights))) * noise(weights)
        runs = as_runs(truth.domains, weights, list(truth.laws), scores)
        laws = fitted(runs, "transfer")
        measured = truth.scores(unseen) + rng.standard_normal((len(truth.laws), len(unseen))) * noise(unseen)
        even = local_fits(runs, laws)
        by_noise, uneven = with_uneven_noise(runs, laws, even)
        hits["shown"].append(bool(next(iter(uneven.values())).uneven.slope))
        for name, used, fits in (("even", laws, even), ("uneven", by_noise, uneven)):
            bounds = np.array([score_intervals(fits, {task: 1.0}, unseen, COVERAGE) for task in runs.tasks])
            inside = (bounds[..., 0] <= measured) & (measured <= bounds[..., 1])
            hits[name].append([inside[:, fifth == part].mean() for part in range(FIFTHS)])
            hits[f"{name} gains"] += gains(truth, used, fits, weights)
    table = Table(title=f"{asked.swarms} swarms of {asked.mixes} mixes, noise {asked.times:g} times as large far off")
    for number, name in enumerate(
        ("noise taken as", "nearest fifth", "second", "third", "fourth", "farthest", "gains")
    ):
        table.add_column(name, justify="right" if number else "left")
    for name in ("even", "uneven"):
        row = [f"{share:.1%}" for share in np.mean(hits[name], axis=0)]
        table.add_row(name, *row, f"{np.mean(hits[f'{name} gains']):.1%}")
    show.print(table)
    show.print(f"Uneven noise was seen in {np.mean(hits['shown']):.0%} of the swarms.")


def gains(truth, laws, fits: Mapping[str, LocalFit], weights: np.ndarray) -> list[bool]:  # type: ignore[no-untyped-def]
    """Whether the target's and each task's true gain at the mix that was found lies in its interval."""
    natural = truth.natural
    worlds = imagine_worlds(fits, weights, WORLDS, 0)
    best = best_of(laws, natural, 0.0)
    own = worlds.own_gains(optima_of(worlds, truth.aim, natural, 0.0, best)[1], natural)
    before, after = truth.scores(np.array([natural, best])).T
    inside = []
    for aim in (truth.aim, *({task: 1.0} for task in laws)):
        values = np.array([aim.get(task, 0.0) for task in laws])
        at = np.array([law.predict(np.array([natural, best])) for law in laws.values()])
        gain = gain_of(float(values @ (at[:, 0] - at[:, 1])), own.errors(aim), COVERAGE)
        inside.append(bool(gain.low <= float(values @ (before - after)) <= gain.high))
    return inside


if __name__ == "__main__":
    main()
