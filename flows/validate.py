"""Trains natural, uniform and the recommendation anew, longer and with several seeds, and compares them.

Seeds are ones that the swarm never used, so nothing that was fitted is judged by itself. Mixes are compared
seed by seed: two proxies of one seed start from the same weights and read each domain in the same order.
"""

from dataclasses import dataclass

import numpy as np
from prefect import flow
from rich import box
from rich.console import Console
from rich.table import Table

from flows.experiment import Experiment
from flows.prepare import prepare_flow
from flows.progress import stage_progress
from flows.recommend import run_flow
from flows.stage_task import stage_task
from flows.swarm import swarm_flow
from mixes.certainty.noise import OVERALL
from mixes.proxy.settings import ProxySettings
from mixes.recommendation import Recommendation
from mixes.swarm import Candidate
from pipeline.swarm import Evidence, read_runs, train_swarm

FIRST_SEED = 1_000  # far from the swarm's
MIXES = ("natural", "uniform", "recommended")


@dataclass(frozen=True)
class Validation:
    """bpb by family and mix: (mixes, seeds) each, and what was predicted to be gained over natural."""

    recommendation: Recommendation
    bpb: dict[str, np.ndarray]  # family or "target" → (3, seeds), rows as MIXES
    tokens: int


@stage_task(name="train-anew")
def train_anew(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> None:
    """Every validation proxy that has no record yet."""
    with stage_progress("validate") as progress:
        train_swarm(evidence, candidates, experiment.records, experiment.folder / "logs", experiment.executor, progress)


@flow(name="validate", log_prints=False, validate_parameters=False)
def validate_flow(experiment: Experiment, seeds: int, multiple: float) -> Validation:
    """Returns the proxies' scores by family."""
    found = run_flow(experiment)
    swarm, _ = swarm_flow(experiment, prepare_flow(experiment))
    longer = ProxySettings(**{**experiment.proxy.model_dump(), "tokens": int(experiment.proxy.tokens * multiple)})
    evidence = Evidence(swarm.pool, swarm.suite, longer)
    uniform = dict.fromkeys(found.mix, 1 / len(found.mix))
    candidates = [
        Candidate(mix, weights, FIRST_SEED + seed)
        for mix, weights in zip(MIXES, (found.natural, uniform, found.mix), strict=True)
        for seed in range(seeds)
    ]
    train_anew(experiment, evidence, candidates)
    scores = np.array(
        [
            [
                list(read_runs(evidence, [c], experiment.records).runs[0].scores.items())
                for c in candidates
                if c.mix == mix
            ]
            for mix in MIXES
        ],
        dtype=object,
    )  # (mixes, seeds, tasks, 2)
    tasks = scores[0, 0, :, 0].tolist()
    values = scores[..., 1].astype(float)
    aims = {"target": found.target, **found.families}
    bpb = {name: values @ np.array([aim.get(task, 0.0) for task in tasks]) for name, aim in aims.items()}
    return Validation(found, bpb, longer.steps * longer.batch * longer.context)


def print_validation(done: Validation, console: Console) -> None:
    """Measured bpb by family, the measured gain with its spread over seeds, and the predicted one."""
    seeds = done.bpb[OVERALL].shape[1]
    title = f"Trained anew: {seeds} seeds, {done.tokens:,} tokens a proxy, bits per byte"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("family")
    for name in ("natural", "uniform", "recommended", "gain", "± sd", "predicted gain"):
        table.add_column(name, justify="right")
    for name, bpb in done.bpb.items():
        natural, uniform, mix = bpb.mean(axis=1)
        gains = bpb[0] - bpb[2]
        predicted = done.recommendation.predicted[name].gain
        table.add_row(
            name, f"{natural:.3f}", f"{uniform:.3f}", f"{mix:.3f}", f"{gains.mean():+.3f}", f"{gains.std(ddof=1):.3f}",
            f"{predicted:+.3f}",
        )  # fmt: skip
    console.print(table)
