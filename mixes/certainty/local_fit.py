"""A law near its fit: residuals, their standard deviation, and how far each mix's own score carries its prediction.

Near the fit a law is linear in its parameters, so the results of least squares are at hand without a refit. With the
slopes J (n, q), the noise σ of a single run, the mixes' precisions c (a single run's is 1) and the priors' rows P, the
normal matrix is H = Jᵀ diag(c) J/σ² + PᵀP and a mix's leverage h = c j H⁻¹ jᵀ / σ². A residual of a fit without that
mix would be r / (1 − h) (Hoaglin & Welsch 1978), and the prediction of a single run elsewhere errs by σ²(1 + h) with
h of c = 1: more, the farther the mix is from the swarm.

A law without slopes (trees) takes its residuals from folds, and its leverage from the linear law.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mixes.certainty.uneven import EVEN, Uneven
from mixes.laws.curve import Curve
from mixes.laws.fit import FOLDS, TaskLaw, folds_of
from mixes.laws.linear import Linear
from mixes.runs import Runs

RIDGE = 1e-9  # share of the normal matrix' diagonal that is added to it: a domain that no run has leaves it singular
MOST_LEVERAGE = 0.95  # a mix that the law must pass through says nothing; its residual is multiplied by 20 at most
ROUNDS = 4  # σ and leverage depend on each other; both settle to three digits within this many rounds


@dataclass(frozen=True)
class LocalFit:
    """One task's law near its fit; scores in their own unit, bpb as a rule."""

    law: TaskLaw
    smooth: bool  # whether the law itself has slopes; if not, the linear law's stand in
    weights: np.ndarray  # (n, n_domains) of the swarm's mixes
    prior: np.ndarray  # (m, q) rows that the priors add, in standard deviations
    residuals: np.ndarray  # (n,) predicted − score of the fit
    leverage: np.ndarray  # (n,) of each mix on its own prediction
    held_out: np.ndarray  # (n,) predicted − score of a fit without that mix
    noise: float  # σ, standard deviation of a single run's residual, by the degrees of freedom that the fit leaves
    freedom: float  # n − the fit's effective number of parameters
    uneven: Uneven = EVEN  # how the noise of a run depends on its mix
    weighed: bool = False  # whether the fit counts mixes less where their noise is large

    @property
    def slopes(self) -> np.ndarray:
        """(n, q) d score / d parameter at the swarm's mixes; not kept: a few tasks of a large swarm take a gigabyte."""
        return _slopes(self.law, self.weights)

    @property
    def root(self) -> np.ndarray:
        """(n,) √ of how much each mix counts, a single run being 1."""
        return _root(self.law, len(self.weights))

    @property
    def spread(self) -> np.ndarray:
        """(n,) standard deviation of each mix's score, that of an average single run being 1."""
        return 1 / self.root if self.weighed else np.sqrt(self.uneven.at(self.weights)) / self.root

    @property
    def shrunk(self) -> np.ndarray:
        """(n,) the part of `spread` that is due to means over seeds."""
        return self.spread / np.sqrt(self.uneven.at(self.weights))

    @property
    def standardised(self) -> np.ndarray:
        """(n,) held-out residuals as of single runs, in their standard deviations, which may depend on the mix."""
        return self.held_out * np.sqrt(1 - np.minimum(self.leverage, MOST_LEVERAGE)) / self.noise / self.shrunk

    @property
    def parameters(self) -> int:
        """How many the law has, q."""
        return self.prior.shape[1]

    def covariance(self, relaxed: float) -> np.ndarray:
        """(q, q) of the parameters; the priors' standard deviations `relaxed` times as wide."""
        return np.linalg.inv(_normal(self.slopes * self.root[:, None] / self.noise, self.prior / relaxed))

    @cached_property
    def _covariance(self) -> np.ndarray:
        return self.covariance(1.0)

    def leverage_at(self, mixes: np.ndarray) -> np.ndarray:
        """(m,) of single runs at mixes (m, n_domains)."""
        return _leverage(_slopes(self.law, mixes) / self.noise, self._covariance)


def local_fits(runs: Runs, laws: Mapping[str, TaskLaw]) -> dict[str, LocalFit]:
    """Task → its law near the fit to `runs`, replicates of a mix being one row; noise is taken as even."""
    mixes = runs.by_mix()
    weights, scores = mixes.weights(), mixes.scores()
    folds = folds_of([run.mix for run in mixes.runs], seed=0)
    return {task: local_fit_of(laws[task], weights, scores[t], folds) for t, task in enumerate(mixes.tasks)}


def local_fit_of(law: TaskLaw, weights: np.ndarray, scores: np.ndarray, folds: np.ndarray) -> LocalFit:
    """One law near its fit to weights (n, d) and scores (n,); folds (n,) hold out mixes of a law without slopes."""
    smooth = isinstance(law.kind, Curve | Linear)
    residuals = law.predict(weights) - scores
    # With no fewer domains than mixes the linear law meets every score, and what is left says nothing of the noise.
    inside = smooth and not (isinstance(law.kind, Linear) and weights.shape[1] >= len(scores))
    if not inside:
        residuals = _left_out(law, weights, scores, folds) - scores
    root, prior, count = _root(law, len(scores)), _prior(law), len(scores)
    slopes, single = _slopes(law, weights) * root[:, None], residuals * root
    noise = float(single.std()) + 1e-12
    for _ in range(ROUNDS):
        scaled = slopes / noise
        leverage = _leverage(scaled, np.linalg.inv(_normal(scaled, prior)))
        freedom = max(count - leverage.sum(), 0.05 * count)
        noise = float(np.sqrt((single**2).sum() / (freedom if inside else count))) + 1e-12
    held_out = residuals / (1 - np.minimum(leverage, MOST_LEVERAGE)) if inside else residuals
    return LocalFit(law, smooth, weights, prior, residuals, leverage, held_out, noise, float(freedom))


def _root(law: TaskLaw, count: int) -> np.ndarray:
    return np.ones(count) if law.precision is None else np.sqrt(law.precision)


def _leverage(slopes: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """(n,) j C jᵀ for every row j of slopes (n, q)."""
    return np.einsum("nq,nq->n", slopes @ covariance, slopes)


def _normal(slopes: np.ndarray, prior: np.ndarray) -> np.ndarray:
    normal = slopes.T @ slopes + prior.T @ prior
    return normal + RIDGE * np.diag(np.maximum(np.diag(normal), RIDGE))


def _slopes(law: TaskLaw, weights: np.ndarray) -> np.ndarray:
    """(n, q); of the linear law, which are the weights themselves, where the law has none."""
    if not isinstance(law.kind, Curve):
        return weights
    _, scale, *theta = law.parameters
    return scale * law.kind.curve(np.array([theta]), weights)[1][0]


def _prior(law: TaskLaw) -> np.ndarray:
    """(m, q)."""
    if not isinstance(law.kind, Curve):
        return np.zeros((0, len(law.domains)))
    return law.kind.prior(len(law.domains)).slope(len(law.parameters) - 2)


def _left_out(law: TaskLaw, weights: np.ndarray, scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Predictions (n,) of each mix by a fit without its fold."""
    rows = np.array([folds != fold for fold in range(FOLDS)]) * _root(law, len(scores)) ** 2
    fitted = law.kind.fit(weights, np.tile(scores, (FOLDS, 1)), rows)
    return law.kind.predict(fitted, weights)[folds, np.arange(len(scores))]
