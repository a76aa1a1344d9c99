"""A law over mix, parameters and tokens, for swarms that hold proxies of several sizes.

y(w, N, D) = A n^(−a) + B d^(−b) + n^(−s) d^(−r) f(w) + c, with n = N / N₀ and d = D / D₀: the loss falls with size as
in Chinchilla (Hoffmann et al. 2022, arXiv 2203.15556), and the part that depends on the mix, f, is the transfer law's,
scaled by size. At one size it is a transfer law: convex in the mix, and n^(−s) d^(−r) > 0 leaves the order of mixes as
it is; larger proxies add what small ones cannot show, and give the score to expect.
"""

from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.laws.solver import Prior
from mixes.laws.transfer import Transfer
from mixes.quality_parts import ties_of
from mixes.runs import Runs, Size

EXTRA = 6  # parameters beyond the transfer law's: ln A, ln a, ln B, ln b, s, r


class _Sized(Transfer):
    """The curve on columns [weights, ln n, ln d]; theta = [transfer's …, ln A, ln a, ln B, ln b, s, r]."""

    name = "scale"
    least_noise = 0.001  # sizes differ by far more than mixes do

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mix, log_size = weights[:, :-2], weights[:, -2:]
        value, slope = super().curve(theta[:, :-EXTRA], mix)
        falls, factor = _size_parts(theta, log_size)
        bent = (value - theta[:, :1]) * factor  # n^−s d^−r f(w)
        slope[..., 1:] *= factor[..., None]
        steeper = -falls * log_size * np.exp(theta[:, [-5, -3]])[:, None]  # by ln a, ln b
        scaled = -bent[..., None] * log_size  # by s, r
        more = [np.stack([falls[..., i], steeper[..., i]], axis=2) for i in (0, 1)]
        return theta[:, :1] + bent + falls.sum(axis=2), np.concatenate([slope, *more, scaled], axis=2)

    def values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        mix, log_size = weights[:, :-2], weights[:, -2:]
        falls, factor = _size_parts(theta, log_size)
        shape = super().values(theta[:, :-EXTRA], mix) - theta[:, :1]
        return theta[:, :1] + shape * factor + falls.sum(axis=2)

    def prior(self, domains: int) -> Prior:
        """Chinchilla's exponents are near 0.3; the mix's part need not change with size."""
        mix, first = super().prior(domains - 2), 3 * (domains - 2) + 5
        third = np.log(0.3)
        return Prior(
            np.concatenate([mix.index, first + np.arange(EXTRA)]),
            np.concatenate([mix.level, np.full(EXTRA, -1)]),
            np.concatenate([mix.mean, [-1.0, third, -1.0, third, 0.0, 0.0]]),
            np.concatenate([mix.sd, [1.5, 0.5, 1.5, 0.5, 0.2, 0.2]]),
        )

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        return np.array([*super().start(domains - 2, chosen), -1.0, np.log(0.3), -1.0, np.log(0.3), 0.0, 0.0])


def _size_parts(theta: np.ndarray, log_size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A n^−a and B d^−b (P, n, 2); n^−s d^−r (P, n)."""
    falls = np.exp(theta[:, None, [-6, -4]] - np.exp(theta[:, None, [-5, -3]]) * log_size)
    return falls, np.exp(-theta[:, -2:] @ log_size.T)


LAW = _Sized()


@dataclass(frozen=True)
class ScaleLaw:
    """One task's law over mix and size."""

    task: str
    domains: tuple[str, ...]
    reference: Size  # N₀ and D₀: the geometric means over runs
    parameters: np.ndarray  # (q,)

    def predict(self, weights: np.ndarray, size: Size) -> np.ndarray:
        """bpb (n,) of proxies of that size at weights (n, n_domains)."""
        columns = np.tile(_log_sizes([size], self.reference), (len(weights), 1))
        return LAW.predict(self.parameters[None], np.concatenate([weights, columns], axis=1))[0]


def fit_scale_laws(runs: Runs) -> dict[str, ScaleLaw]:
    """One law per task over all sizes of the swarm at once.

    Raises:
        MixError: a run without a size, or fewer than two sizes.
    """
    for run in runs.runs:
        if run.size is None:
            raise MixError(
                f"swarm: run {run.id!r} has no size (parameters, tokens); a law over sizes needs every run's"
            )
    if len(runs.sizes) < 2:
        raise MixError(f"swarm: all runs have the size {runs.sizes[0]}; a law over sizes needs two")
    mixes = runs.by_mix()
    sizes = [run.size for run in mixes.runs if run.size is not None]
    reference = Size(*np.exp(np.log([(size.parameters, size.tokens) for size in sizes]).mean(axis=0)).tolist())
    columns = np.concatenate([mixes.weights(), _log_sizes(sizes, reference)], axis=1)
    scores = mixes.scores()
    parameters = _Sized(ties_of(mixes.domains)).fit(columns, scores, np.ones_like(scores))
    return {task: ScaleLaw(task, mixes.domains, reference, parameters[t]) for t, task in enumerate(mixes.tasks)}


def _log_sizes(sizes: list[Size], reference: Size) -> np.ndarray:
    """(n, 2): ln n, ln d."""
    return np.log([(size.parameters / reference.parameters, size.tokens / reference.tokens) for size in sizes])
