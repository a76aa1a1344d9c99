"""Olmix's own fitter beside ours, on one split of its public swarm: seconds, and ranks on runs that neither saw.

    python benchmarks/olmix_fitter.py OLMIX [--tasks 3]

OLMIX is a checkout of github.com/allenai/olmix. Of its code the log-linear law and its fit are taken as they are; the
rest of its package, which needs an account and a cluster's libraries, is not imported. A fifth of the mixes is held
out. Its starts run on all cores, as it has them.
"""

import argparse
import ast
import contextlib
import importlib.util
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import mixes
from mixes.laws.fit import folds_of
from mixes.laws.rank_correlation import rank_correlation
from mixes.laws.registry import LAWS

NAMES = ("mixing_law", "init_params_log_linear_law")
STEPS, DELTA = 100, 0.02  # as its regressor has them


def their_law(folder: Path) -> Any:
    """Its module that fits, with the law and its starts out of another one, which imports more than is needed."""
    spec = importlib.util.spec_from_file_location("olmix_law", folder / "olmix/fit/law.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its workers find its functions by name
    spec.loader.exec_module(module)
    tree = ast.parse((folder / "olmix/fit/utils.py").read_text())
    kept = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in NAMES]
    exec(compile(ast.Module(kept, []), "olmix", "exec"), module.__dict__)
    return module


def main() -> None:
    """Prints the table."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("olmix", type=Path)
    read.add_argument("--tasks", type=int, default=3)
    asked = read.parse_args()
    files = mixes.example_files()
    swarm = mixes.read_swarm(files / "ratios.csv", files / "metrics.csv", families=files / "families.yaml")
    runs, law = swarm.scored.runs.by_mix(), LAWS["log_linear"]
    weights, scores = runs.weights(), runs.scores()
    held_out = folds_of(runs.mixes, seed=0) == 0
    chosen = [tasks[len(tasks) // 2] for tasks in swarm.families.values()][: asked.tasks]
    theirs = their_law(asked.olmix)
    table = Table(title=f"{(~held_out).sum()} mixes fitted, {held_out.sum()} ranked", title_justify="left")
    for name in ("task", "fitter", "rank correlation", "error", "seconds"):
        table.add_column(name, justify="left" if name in ("task", "fitter") else "right")

    def row(task: str, name: str, predicted: np.ndarray, seconds: float) -> None:
        truth = scores[runs.tasks.index(task), held_out]
        error = float(np.sqrt(((predicted - truth) ** 2).mean()))
        table.add_row(task, name, f"{rank_correlation(predicted, truth):.3f}", f"{error:.4f}", f"{seconds:.2f}")

    for task in chosen:
        y = scores[runs.tasks.index(task), ~held_out]
        started = time.perf_counter()
        starts = theirs.init_params_log_linear_law(0, num_domains=weights.shape[1])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = theirs.ScalingLaw(theirs.mixing_law).fit(
                weights[~held_out], y, starts, max_step=STEPS, delta=DELTA, eps=0.0
            )  # fmt: skip
        seconds = time.perf_counter() - started
        at = torch.tensor(weights[held_out], dtype=torch.float)
        row(task, "Olmix, log-linear", theirs.mixing_law(at, torch.tensor(found)).numpy(), seconds)
        for name in ("log_linear", "transfer"):
            law, started = LAWS[name], time.perf_counter()
            parameters = law.fit(weights[~held_out], y[None], np.ones((1, len(y))))
            seconds = time.perf_counter() - started
            row(task, f"ours, {name}", law.predict(parameters, weights[held_out])[0], seconds)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
