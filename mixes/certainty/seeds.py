"""Seeds: what a seed does to the scores of all mixes alike, separated from what the mixes do.

Proxies of one seed start from the same weights and read each domain in the same order (common random numbers), so a
seed may lift or lower all of them together: score = mix + seed + rest. Most mixes are trained with one and the same
seed, a few with several. The plain mean of those few lies at another level than all the rest. A law that is fitted to
both, or a gain over one of them, would attribute the difference to the mixes. The few tell what each seed does. Source:
the two-way layout without interaction, by least squares (Scheffé 1959, "The Analysis of Variance", chapter 4).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixes.runs import Runs


@dataclass(frozen=True)
class TwoWay:
    """Scores of mixes that were trained with several seeds as mix + seed + rest."""

    seeds: tuple[int, ...]
    effects: np.ndarray  # (n_tasks, n_seeds) up to a constant in each part
    part: np.ndarray  # (n_seeds,) number of the part: seeds that no chain of mixes links cannot be compared
    rest: np.ndarray  # (n_tasks, n) of the n runs
    weights: np.ndarray  # (n, n_domains) of the same runs
    freedom: (
        int  # of the rest; 0 where mixes and seeds explain everything, for example where only one mix has several seeds
    )


def split_scores(groups: Sequence[Runs], seeds: Mapping[str, int]) -> TwoWay:
    """Least squares over groups of replicates (`runs.replicates()`); runs that `seeds` does not name are left out."""
    from scipy.sparse.csgraph import connected_components  # slow to import

    cells = [
        (mix, seeds[run], scores, weights)
        for mix, group in enumerate(groups)
        for run, scores, weights in zip(group.ids, group.scores().T, group.weights(), strict=True)
        if run in seeds
    ]
    used = tuple(sorted({seed for _, seed, *_ in cells}))
    tasks = len(groups[0].tasks) if groups else 0
    design = np.zeros((len(cells), len(groups) + len(used)))
    for row, (mix, seed, *_) in enumerate(cells):
        design[row, mix] = design[row, len(groups) + used.index(seed)] = 1
    scores = np.array([scores for _, _, scores, _ in cells]).reshape(len(cells), tasks)
    weights = np.array([weights for *_, weights in cells]).reshape(len(cells), len(groups[0].domains) if groups else 0)
    effects, _, rank, _ = np.linalg.lstsq(design, scores, rcond=None)
    part = connected_components(design.T @ design)[1][len(groups) :]
    rest = (scores - design @ effects).T
    return TwoWay(used, effects[len(groups) :].T, part, rest, weights, len(cells) - int(rank))


def level_seeds(runs: Runs, seeds: Mapping[str, int]) -> Runs:
    """The runs of one size with every mix as if it had the seed that most runs have; seeds: run → its seed.

    A mix is moved as a whole, by the mean difference between its runs' seeds and that seed. So the mean of its
    replicates is levelled, and the distances between them, which measure the noise of a score, stay. Runs whose seed is
    unknown, or is linked to no other by replicates, stay too.
    """
    fitted = split_scores(runs.replicates(), seeds)
    used = Counter(seeds[run] for run in runs.ids if run in seeds)
    shifts = dict.fromkeys(used, np.zeros(len(runs.tasks)))
    for number in np.unique(fitted.part):
        members = np.flatnonzero(fitted.part == number).tolist()
        level = max(members, key=lambda i: (used[fitted.seeds[i]], -fitted.seeds[i]))
        shifts |= {fitted.seeds[i]: fitted.effects[:, i] - fitted.effects[:, level] for i in members}
    by_run = [shifts[seeds[run]] if run in seeds else np.zeros(len(runs.tasks)) for run in runs.ids]
    _, group, counts = np.unique(runs.groups(), return_inverse=True, return_counts=True)
    by_mix = np.array([np.bincount(group, weights=line) / counts for line in np.transpose(by_run)])
    return runs.with_scores(runs.scores() - by_mix[:, group])


def noise_kept(runs: Runs, seeds: Mapping[str, int]) -> np.ndarray:
    """(n,) in the order of `runs.by_mix()`: the share of one run's noise variance that each levelled mix keeps.

    1 / n for a plain mean of n runs. Levelling adds the error of the level: where R mixes have the same S seeds it is
    1/R + 1/S − 1/(R S). Levelling is linear, so it is applied to each replicated run alone.
    """
    mixes, groups = runs.by_mix().ids, runs.groups()
    kept, several = np.ones(len(mixes)), {run for group in runs.replicates() for run in group.ids}
    if not several:
        return kept
    own = np.array([run in several for run in runs.ids])
    units = np.eye(len(runs))[own]  # (replicated runs, n_runs)
    alone = Runs.from_arrays(
        runs.ids, runs.mixes, runs.domains, [str(number) for number in range(len(units))], runs.weights(), units,
        runs.sizes_of_runs,
    )  # fmt: skip
    of_runs = level_seeds(alone, seeds).by_mix().scores()  # (replicated runs, n)
    return np.where(np.isin(mixes, groups[own]), (of_runs**2).sum(axis=0), kept)
