"""A planted swarm of OLMo's size, 512 runs × 64 domains × 110 tasks, as the files that `recommend-mix` reads.

    python benchmarks/large_swarm.py FOLDER [--runs 512] [--domains 64]

Every task's truth is the transfer law that fits Olmix's public swarm (mixes/example), its 24 domains split into parts
that differ, and its noise is that law's residual. Then, for seconds and memory:

    python benchmarks/peak_memory.py recommend-mix --ratios FOLDER/ratios.csv --metrics FOLDER/metrics.csv \\
        --families FOLDER/families.yaml --tokens FOLDER/tokens.csv --budget 6T
    python benchmarks/peak_memory.py mixwright check-law --ratios FOLDER/ratios.csv --metrics FOLDER/metrics.csv \\
        --families FOLDER/families.yaml

`truth.npz` holds the planted parameters (110, 2 + 3 × domains + 5), for whoever asks how good the answer is.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
import yaml

import mixes
from mixes.certainty.local_fit import local_fits
from mixes.laws.fit import TaskLaw
from mixes.laws.registry import LAWS

APART = 0.5  # standard deviation of ln k between the parts of one domain (assumed)
LEAST = 0.05  # bpb, of any score
FLAT = 20.0  # concentration of the drawn mixes around natural, in domains' counts (Olmix draws with few)


def split_law(parameters: np.ndarray, parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One task's transfer law (2 + 3 d + 5,) over parts; parts (n,): which of the d domains each belongs to.

    k_j w_j^γ of a domain becomes the sum of its m parts', which is the same for equal parts: k m^(γ − 1) each.
    """
    d = (len(parameters) - 7) // 3
    shift_scale, first, rest = parameters[:2], parameters[2:4], parameters[4:]
    log_k, logit, slope, last = rest[:d], rest[d : 2 * d], rest[2 * d : 3 * d], rest[3 * d :]
    count = np.bincount(parts, minlength=d)[parts]
    gamma = 1 / (1 + np.exp(-logit[parts]))
    apart = rng.normal(0, APART, size=len(parts))
    return np.concatenate(
        [shift_scale, first, log_k[parts] + (gamma - 1) * np.log(count) + apart, logit[parts], slope[parts], last]
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=512)
    parser.add_argument("--domains", type=int, default=64)
    asked = parser.parse_args()
    files, rng, law = mixes.example_files(), np.random.default_rng(0), LAWS["transfer"]
    families = yaml.safe_load((files / "families.yaml").read_text())
    del families["leave_out"]
    swarm = mixes.read_swarm(files / "ratios.csv", files / "metrics.csv", families=families)
    runs = swarm.scored.runs.by_mix()
    parameters = law.fit(runs.weights(), runs.scores(), np.ones_like(runs.scores()))
    fits = local_fits(
        runs, {task: TaskLaw(task, law, runs.domains, parameters[t], 0, 0, {}, {}) for t, task in enumerate(runs.tasks)}
    )
    parts = np.sort(np.arange(asked.domains) % len(runs.domains))
    names = [f"{runs.domains[part]}_{np.sum(parts[:j] == part)}" for j, part in enumerate(parts)]
    truth = np.array([split_law(one, parts, rng) for one in parameters])
    tokens = dict(pl.read_csv(files / "tokens.csv").iter_rows())
    available = (
        np.array([tokens[runs.domains[part]] for part in parts])
        * rng.dirichlet(np.full(asked.domains, 5.0))
        * len(runs.domains)
    )
    weights = rng.dirichlet(FLAT * available / available.sum() + 0.05, size=asked.runs)
    weights = np.where(weights < 1e-4, 0, weights)
    weights /= weights.sum(axis=1, keepdims=True)
    noise = np.array([[fits[task].noise] for task in runs.tasks])
    scores = law.predict(truth, weights) + noise * rng.normal(size=(len(truth), asked.runs))
    lifted = np.maximum(0, LEAST - scores.min(axis=1))  # split domains can bring a low task below zero
    scores, truth[:, 0] = scores + lifted[:, None], truth[:, 0] + lifted
    asked.folder.mkdir(parents=True, exist_ok=True)
    ids = pl.Series("run", [f"run{i:04d}" for i in range(asked.runs)])
    pl.DataFrame([ids, *(pl.Series(name, weights[:, j]) for j, name in enumerate(names))]).write_csv(
        asked.folder / "ratios.csv"
    )
    pl.DataFrame([ids, *(pl.Series(task, scores[t]) for t, task in enumerate(runs.tasks))]).write_csv(
        asked.folder / "metrics.csv"
    )
    pl.DataFrame({"domain": names, "tokens": available}).write_csv(asked.folder / "tokens.csv")
    (asked.folder / "families.yaml").write_text(yaml.safe_dump(families))
    np.savez(asked.folder / "truth.npz", parameters=truth, noise=noise[:, 0])
    print(f"{asked.runs} runs × {asked.domains} domains × {len(truth)} tasks in {asked.folder}")


if __name__ == "__main__":
    main()
