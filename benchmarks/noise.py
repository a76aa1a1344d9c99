"""How noisy proxies are, and how many of them common random numbers save.

    .venv/bin/python benchmarks/noise.py EXP.yaml --seeds 6 [--law transfer]

Trains every mix of the experiment's swarm with each of the seeds (proxies that are recorded are not trained again):
a block, from which swarms of both designs are taken as they would have been trained. *Common*: all mixes with one
seed, so that all proxies start from the same weights and read each domain in the same order. *Own*: each mix with a
seed of its own, here one drawn from the block's K. As their spread about their mean is (K − 1)/K of what seeds have,
the seeds' mean effects are stretched by √(K / (K − 1)) in the own design.

Truth is each mix's mean over seeds that its design did not use, every seed's mean over mixes taken off. ± are standard
errors: of noise by leaving out one seed after another; of rank correlations over designs of this one block. Means over
tasks are over those whose spread over mixes is at least three times their noise, and the target leaves out those of
less than twice, as a recommendation does.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from flows.experiment import Experiment, load_experiment
from flows.prepare import prepare_flow
from flows.show.progress import stage_progress
from flows.swarm import draw_flow
from mixes.certainty.noise import CLEAR as OF_USE
from mixes.certainty.seeds import level_seeds
from mixes.errors import MixError
from mixes.laws.fit import FOLDS, folds_of
from mixes.laws.kind import LawKind
from mixes.laws.registry import law_named
from mixes.runs import Runs
from mixes.show.recommendation import RANKABLE
from mixes.target import OVERALL, family_weights, task_weights
from pipeline.suite import suite_families
from pipeline.train.records import read_runs
from pipeline.train.swarm import train_swarm

OWN_DESIGNS = 50  # of each mix with a seed of its own
DRAWS = 60  # of mixes that are tried, unseen, replicated
UNSEEN, TRIED = 9, (8, 12, 16, 20)  # mixes
REPLICATED, REPLICATES = 3, 3  # mixes and their seeds, as a swarm has by default


@dataclass(frozen=True)
class Block:
    """M mixes with K seeds each."""

    mixes: tuple[str, ...]
    domains: tuple[str, ...]
    tasks: tuple[str, ...]
    families: dict[str, str]  # task → family
    weights: np.ndarray  # (M, n_domains)
    scores: np.ndarray  # (n_tasks, M, K) bpb

    @property
    def seeds(self) -> int:
        """K."""
        return self.scores.shape[2]

    def aims(self) -> tuple[list[str], np.ndarray]:
        """Names, and weights of tasks (n_aims, n_tasks): tasks, families, target."""
        noise = score_sd(self.scores)
        unclear = [task for task, of_mixes, own in zip(self.tasks, spread(self.scores), noise, strict=True)
                   if of_mixes < OF_USE * own]  # fmt: skip
        aims = {task: {task: 1.0} for task in self.tasks}
        aims |= {f"family {name}": aim for name, aim in family_weights(self.families, unclear).items()}
        aims[OVERALL] = task_weights({}, self.families, unclear)
        return list(aims), np.array([[aim.get(task, 0.0) for task in self.tasks] for aim in aims.values()])


def train_block(experiment: Experiment, seeds: int) -> Block:
    """Every mix with every seed; a mix of which a proxy diverged is left out, and said."""
    evidence, swarm = draw_flow(experiment, prepare_flow(experiment))
    mixes = [candidate for candidate in swarm if candidate.seed == 0]
    candidates = [replace(candidate, seed=seed) for seed in range(seeds) for candidate in mixes]
    with stage_progress("train") as progress:
        logs = experiment.folder / "logs"
        train_swarm(evidence, candidates, experiment.records, logs, experiment.executor, progress)
    runs = read_runs(evidence, candidates, experiment.records)
    row = {run: number for number, run in enumerate(runs.ids)}
    ids = {mix.mix: [evidence.run_id(replace(mix, seed=seed)) for seed in range(seeds)] for mix in mixes}
    whole = {mix: [row[run] for run in mine] for mix, mine in ids.items() if all(run in row for run in mine)}
    for mix in sorted(ids.keys() - whole.keys()):
        print(f"{mix} is left out: a proxy of it diverged", file=sys.stderr)
    rows = np.array(list(whole.values()))  # (M, K)
    return Block(
        tuple(whole), runs.domains, runs.tasks, suite_families(evidence.suite), runs.weights()[rows[:, 0]],
        runs.scores()[:, rows],
    )  # fmt: skip


# Noise. Scores are (…, M, K).


def spread(scores: np.ndarray) -> np.ndarray:
    """Standard deviation over mixes of their means over seeds."""
    return scores.mean(axis=-1).std(axis=-1, ddof=1)


def score_sd(scores: np.ndarray) -> np.ndarray:
    """Standard deviation between seeds of one mix, pooled over mixes."""
    return np.sqrt(scores.var(axis=-1, ddof=1).mean(axis=-1))


def difference_sd(scores: np.ndarray, common: bool) -> np.ndarray:
    """Standard deviation of the difference of two mixes' scores, pooled over all pairs.

    At other seeds it is that of all combinations of two seeds, which for many of them is the sum of both variances.
    """
    pairs = list(combinations(range(scores.shape[-2]), 2))
    one, other = (scores[..., [pair[i] for pair in pairs], :] for i in range(2))
    if common:
        return np.sqrt((one - other).var(axis=-1, ddof=1).mean(axis=-1))
    return np.sqrt((one.var(axis=-1, ddof=1) + other.var(axis=-1, ddof=1)).mean(axis=-1))


def proxies_saved(scores: np.ndarray) -> np.ndarray:
    """Proxies with seeds of their own that give a difference the standard error of one with a common seed."""
    return (difference_sd(scores, common=False) / difference_sd(scores, common=True)) ** 2


def jackknifed(figure: Callable[[np.ndarray], np.ndarray], scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The figure, and its standard error by leaving out one seed after another."""
    count = scores.shape[-1]
    without = np.array([figure(np.delete(scores, seed, axis=-1)) for seed in range(count)])
    return figure(scores), np.sqrt((count - 1) * without.var(axis=0))


def print_noise(block: Block, console: Console) -> None:
    """Noise by task, family and for the target."""
    names, by_aim = block.aims()
    scores = np.tensordot(by_aim, block.scores, 1)  # (n_aims, M, K)
    figures = [
        jackknifed(figure, scores)
        for figure in (
            spread, score_sd, lambda s: difference_sd(s, common=False), lambda s: difference_sd(s, common=True),
            proxies_saved,
        )
    ]  # fmt: skip
    count = len(block.mixes)
    title = f"{count} mixes × {block.seeds} seeds, {count * (count - 1) // 2} pairs of mixes; standard deviations, bpb"
    table = Table(
        "", "of mixes", "of a score", "of a difference, other seeds", "same seed", "× proxies", title=title,
        title_justify="left",
    )  # fmt: skip
    for i, name in enumerate(names):
        *sds, (saved, doubt) = [(value[i], error[i]) for value, error in figures]
        table.add_row(name, *(f"{value:.4f} ± {error:.4f}" for value, error in sds), f"{saved:.2f} ± {doubt:.2f}")
    console.print(table)


# Laws. D designs of scores (D, n_tasks, M).


def held_out(kind: LawKind, block: Block, scores: np.ndarray, rows: np.ndarray | float = 1.0) -> np.ndarray:
    """(D, n_tasks, M) predictions of each mix by a law fitted without its fold; `rows` as in LawKind, (…, M)."""
    folds, flat = folds_of(block.mixes, seed=0), scores.reshape(-1, scores.shape[2])
    rows = np.broadcast_to(rows, scores.shape).reshape(flat.shape)
    near, result = kind.fit(block.weights, flat, rows), np.empty_like(flat)
    for fold in range(FOLDS):
        mine = folds == fold
        result[:, mine] = kind.predict(kind.fit(block.weights, flat, rows * ~mine, near), block.weights[mine])
    return result.reshape(scores.shape)


def unseen(kind: LawKind, block: Block, scores: np.ndarray, tried: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(D, n_tasks, m) predictions of mixes `others` (D, m) by laws fitted to mixes `tried` (D, n) alone."""
    rows = np.zeros((len(scores), 1, scores.shape[2]))
    np.put_along_axis(rows, tried[:, None], 1.0, axis=2)
    flat = scores.reshape(-1, scores.shape[2])
    fitted = kind.fit(block.weights, flat, np.broadcast_to(rows, scores.shape).reshape(flat.shape))
    predicted = kind.predict(fitted, block.weights).reshape(scores.shape)
    return np.take_along_axis(predicted, others[:, None], axis=2)


def ranked(block: Block, predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(D, n_aims + 1) Spearman by aim, and the mean over clear tasks, of (D, n_tasks, m) each."""
    _, by_aim = block.aims()
    pairs = zip(*(np.einsum("at,dtm->dam", by_aim, values) for values in (predicted, scores)), strict=True)
    found = np.array([[spearmanr(*lines).statistic for lines in zip(*pair, strict=True)] for pair in pairs])
    return np.column_stack([found, found[:, clear_tasks(block)].mean(axis=1)])


def clear_tasks(block: Block) -> np.ndarray:
    """Places of the tasks that say something about mixes."""
    return np.flatnonzero(spread(block.scores) >= RANKABLE * score_sd(block.scores))


def draw_seeds(block: Block, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Seeds (D, M) of designs: common, each seed in turn, and own."""
    shape = (count, len(block.mixes))
    turns = np.broadcast_to(np.arange(count)[:, None] % block.seeds, shape)
    return {"common": turns, "own": rng.integers(block.seeds, size=shape)}


def scores_of(block: Block, design: str, seeds: np.ndarray) -> np.ndarray:
    """(D, n_tasks, M) as trained with seeds (D, M)."""
    scores, count = block.scores, block.seeds
    if design == "own":
        of_seed = scores.mean(axis=1, keepdims=True)
        scores = scores + (np.sqrt(count / (count - 1)) - 1) * (of_seed - of_seed.mean(axis=2, keepdims=True))
    return scores[:, np.arange(len(block.mixes)), seeds].transpose(1, 0, 2)


def truth_of(block: Block, used: np.ndarray) -> np.ndarray:
    """(D, n_tasks, M) means over the seeds that are not used, (D, M, K)."""
    level = block.scores - block.scores.mean(axis=1, keepdims=True)
    return np.einsum("tmk,dmk->dtm", level, ~used) / (~used).sum(axis=2)[:, None]


def print_ranking(block: Block, kind: LawKind, console: Console) -> None:
    """Held-out rank correlation of both designs from as many runs."""
    found = {}
    for design, seeds in draw_seeds(block, np.random.default_rng(0), OWN_DESIGNS).items():
        seeds = seeds[: block.seeds] if design == "common" else seeds
        scores = scores_of(block, design, seeds)
        predicted = held_out(kind, block, scores)
        truth = truth_of(block, seeds[..., None] == np.arange(block.seeds))
        found[design, "own scores"], found[design, "truth"] = (
            ranked(block, predicted, other) for other in (scores, truth)
        )
    columns = [(design, what) for what in ("own scores", "truth") for design in ("common", "own")]
    table = Table(
        "", *(f"{what}: {design} seeds" if design == "common" else "own" for design, what in columns),
        title=f"Rank correlation of {kind.name}, {FOLDS} folds over {len(block.mixes)} mixes with a proxy each",
        title_justify="left",
    )  # fmt: skip
    names = [*block.aims()[0], f"mean of {len(clear_tasks(block))} clear tasks"]
    for i, name in enumerate(names):
        table.add_row(name, *(_mean(found[column][:, i]) for column in columns))
    console.print(table)


def print_saving(block: Block, kind: LawKind, console: Console) -> None:
    """Rank correlation on unseen mixes by the number of proxies, and how many each design needs."""
    rng = np.random.default_rng(1)
    order = np.array([rng.permutation(len(block.mixes)) for _ in range(DRAWS)])
    others = order[:, :UNSEEN]
    truth = block.scores.mean(axis=2)[:, others].transpose(1, 0, 2)
    found = {}
    for design, seeds in draw_seeds(block, rng, DRAWS).items():
        scores = scores_of(block, design, seeds)
        for count in TRIED:
            predicted = unseen(kind, block, scores, order[:, UNSEEN : UNSEEN + count], others)
            found[design, count] = ranked(block, predicted, truth)[:, -2:]
    aims = (OVERALL, "clear tasks")
    table = Table(
        "proxies", *(f"{aim}: common seed" if i == 0 else ("own", "own − common")[i - 1] for aim in aims
                     for i in range(3)),
        title=f"Rank correlation of {kind.name} with the truth on {UNSEEN} unseen mixes, {DRAWS} draws",
        title_justify="left",
    )  # fmt: skip
    for count in TRIED:
        pairs = [(found["common", count][:, i], found["own", count][:, i]) for i in range(len(aims))]
        table.add_row(str(count), *(_mean(v) for common, own in pairs for v in (common, own, own - common)))
    console.print(table)
    for i, aim in enumerate(aims):
        curve = np.maximum.accumulate([found["common", count][:, i].mean() for count in TRIED])
        need = np.interp(found["own", TRIED[-1]][:, i].mean(), curve, TRIED)
        console.print(f"{aim}: {TRIED[-1]} proxies with seeds of their own rank as {need:.1f} with a common one")


# Replicates: a few mixes with several seeds beside many with one.


def with_replicates(block: Block, mixes: np.ndarray, seeds: np.ndarray) -> tuple[Runs, dict[str, int]]:
    """All mixes with the first of the seeds, `mixes` with all of them; and run → seed."""
    cells = [(mix, seeds[0]) for mix in range(len(block.mixes))] + [(mix, s) for s in seeds[1:] for mix in mixes]
    at, of = np.transpose(cells)
    ids = [f"{block.mixes[mix]}/{seed}" for mix, seed in cells]
    names = [block.mixes[mix] for mix in at]
    runs = Runs.from_arrays(ids, names, block.domains, block.tasks, block.weights[at], block.scores[:, at, of])
    return runs, dict(zip(ids, of.tolist(), strict=True))


def print_replicates(block: Block, kind: LawKind, console: Console) -> None:
    """What their level is off by, beside the others, and how laws rank that are fitted to them."""
    rng, count = np.random.default_rng(2), len(block.mixes)
    drawn = [(rng.permutation(count)[:REPLICATED], rng.permutation(block.seeds)[:REPLICATES]) for _ in range(DRAWS)]
    several, used = np.zeros((DRAWS, count), dtype=bool), np.zeros((DRAWS, count, block.seeds), dtype=bool)
    ways: dict[str, list[np.ndarray]] = {"first seed alone": [], "plain mean": [], "levelled": []}
    places = [sorted(block.mixes).index(mix) for mix in block.mixes]
    for draw, (mixes, seeds) in enumerate(drawn):
        several[draw, mixes], used[draw][:, seeds] = True, True
        runs, of_seed = with_replicates(block, mixes, seeds)
        ways["first seed alone"].append(block.scores[:, :, seeds[0]])
        ways["plain mean"].append(runs.by_mix().scores()[:, places])
        ways["levelled"].append(level_seeds(runs, of_seed).by_mix().scores()[:, places])
    truth, rows = truth_of(block, used), {}
    alone = np.array(ways["first seed alone"])
    rows["levelled, weighted"] = np.where(several[:, None], precision(block, held_out(kind, block, alone) - alone), 1.0)
    table = Table(
        "", "level off by: target", "clear tasks", "rank correlation: target", "clear tasks",
        title=f"{REPLICATED} of {count} mixes with {REPLICATES} seeds, the others with one; {DRAWS} draws",
        title_justify="left",
    )  # fmt: skip
    for way, scores in {**ways, "levelled, weighted": ways["levelled"]}.items():
        off = level_errors(block, np.array(scores) - truth, several)
        found = ranked(block, held_out(kind, block, np.array(scores), rows.get(way, 1.0)), truth)[:, -2:]
        table.add_row(way, *(f"{value:.4f}" for value in off), *(_mean(found[:, i]) for i in range(2)))
    console.print(table)


def level_errors(block: Block, off: np.ndarray, several: np.ndarray) -> tuple[float, float]:
    """Root mean square, bpb, of how far replicated mixes stand beside the mean of the others, for the target and the
    mean clear task; off: score − truth (D, n_tasks, M), several (D, M). The truth's own noise is in it."""
    names, by_aim = block.aims()
    off = np.einsum("at,dtm->dam", by_aim, off)
    rest = np.einsum("dam,dm->da", off, ~several) / (~several).sum(axis=1)[:, None]
    squares = np.einsum("dam,dm->a", (off - rest[..., None]) ** 2, several) / several.sum()
    return float(np.sqrt(squares[names.index(OVERALL)])), float(np.sqrt(squares[clear_tasks(block)]).mean())


def precision(block: Block, errors: np.ndarray) -> np.ndarray:
    """(n_tasks, 1) weight of a levelled mix where one of a single proxy has 1, noise and errors being known.

    A law's error of a mix (D, n_tasks, M) is its own and the noise; of that, levelled replicates keep what the fit of
    R mixes and S seeds leaves of a cell, 1/R + 1/S − 1/RS.
    """
    noise = difference_sd(block.scores, common=True) ** 2 / 2
    whole = np.maximum((errors**2).mean(axis=(0, 2)), noise)
    kept = 1 / REPLICATED + 1 / REPLICATES - 1 / (REPLICATED * REPLICATES)
    return (whole / (whole - noise * (1 - kept)))[:, None]


def _mean(values: np.ndarray) -> str:
    return f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


def main() -> None:
    """Trains what is missing and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--law", default="transfer", help="law that is fitted; not auto")
    asked = parser.parse_args()
    console = Console(width=140)
    try:
        block, kind = train_block(load_experiment(asked.experiment), asked.seeds), law_named(asked.law)
    except MixError as error:
        sys.exit(str(error))
    print_noise(block, console)
    print_ranking(block, kind, console)
    print_saving(block, kind, console)
    print_replicates(block, kind, console)


if __name__ == "__main__":
    main()
