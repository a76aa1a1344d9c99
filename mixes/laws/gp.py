"""A Gaussian process on √w about a linear trend (Rasmussen and Williams 2006, chapters 2 and 5).

The Euclidean distance between √w is Hellinger's between mixes: a domain's first percent counts for more than its
fortieth. The sizes of trend, bumps and noise maximise the marginal likelihood, separately for each problem.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

FLOOR = 1e-6  # weight below which the slope of √w is taken as that of this weight
START = np.log([3.0, 0.5, 1.0, 0.1])  # sd of trend and bumps, length of bumps, sd of noise; scores standardised
SPREAD = (
    1.5  # standard deviation of the logarithms about START, a weak normal prior: twenty runs alone do not decide them
)
JITTER = 1e-8


@dataclass(frozen=True)
class Process:
    """A fitted process: k(·, seen) @ dual, on scores less `shift` in units of `scale`."""

    seen: np.ndarray  # (m, d)
    dual: np.ndarray  # (m,)
    sizes: np.ndarray  # (3,): sd of trend, sd of bumps, length
    shift: float
    scale: float

    def predict(self, weights: np.ndarray) -> np.ndarray:
        """(n,) at (n, d)."""
        trend, bumps = _kernels(weights, self.seen, self.sizes)
        return self.shift + self.scale * ((trend + bumps) @ self.dual)

    def gradient(self, mix: np.ndarray) -> np.ndarray:
        """(d,) at one mix (d,)."""
        trend, bump, length = self.sizes
        root = np.sqrt(np.maximum(mix, FLOOR))
        apart = root - np.sqrt(self.seen)  # (m, d)
        decay = np.exp(-np.sqrt(3) * np.linalg.norm(apart, axis=1) / length)
        by_root = -3 * bump**2 / length**2 * (decay * self.dual) @ apart  # Matérn 3/2: k′ = −3 r/ℓ² e^(−√3 r/ℓ)
        return self.scale * (trend**2 * self.dual @ self.seen + by_root / (2 * root))


class Gp:
    """Linear trend plus Matérn 3/2 bumps plus noise; parameters are an object array (P, 1) of `Process`."""

    name = "gp"
    convex = False
    auto_from = 1000  # measured: behind the transfer law at 448 mixes, and 40 fits per task take seconds each

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, initial: np.ndarray | None = None
    ) -> np.ndarray:
        """See LawKind; a row of weight r has the noise of a mean over r runs."""
        parameters = np.empty((len(scores), 1), dtype=object)
        for p, (y, row) in enumerate(zip(scores, rows, strict=True)):
            used = row > 1e-6
            start = START if initial is None else np.log([*initial[p, 0].sizes, np.exp(START[3])])
            with threadpool_limits(1, "blas"):  # matrices of some hundred rows, and the same sums on any machine
                parameters[p, 0] = _process(weights[used], y[used], row[used], start)
        return parameters

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return np.array([process.predict(weights) for process in parameters[:, 0]])

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return np.array([process.gradient(weights) for process in parameters[:, 0]])


def _kernels(left: np.ndarray, right: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances (n, m) of the trend and of the bumps."""
    from scipy.spatial.distance import cdist  # slow to import

    trend, bump, length = sizes
    scaled = np.sqrt(3) * cdist(np.sqrt(left), np.sqrt(right)) / length
    return trend**2 * left @ right.T, bump**2 * (1 + scaled) * np.exp(-scaled)


def _process(weights: np.ndarray, y: np.ndarray, row: np.ndarray, start: np.ndarray) -> Process:
    from scipy.linalg import cho_factor, cho_solve  # slow to import
    from scipy.optimize import minimize  # slow to import
    from scipy.spatial.distance import cdist  # slow to import

    shift = float(np.average(y, weights=row))
    scale = float(np.sqrt(np.average((y - shift) ** 2, weights=row))) + 1e-12
    z, noise = (y - shift) / scale, 1 / row
    product, apart = weights @ weights.T, np.sqrt(3) * cdist(np.sqrt(weights), np.sqrt(weights))

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        """−ln p(z, logs) and its slope."""
        trend, bump, length, sd = np.exp(logs)
        scaled = apart / length
        decay = bump**2 * np.exp(-scaled)
        parts = trend**2 * product, (1 + scaled) * decay
        factor = cho_factor(parts[0] + parts[1] + np.diag(sd**2 * noise + JITTER), lower=True)
        dual, inverse = cho_solve(factor, z), cho_solve(factor, np.eye(len(z)))
        outer = inverse - np.outer(dual, dual)  # the slope along dK is ½ Σ outer ∘ dK
        slope = np.array([
            np.vdot(outer, parts[0]), np.vdot(outer, parts[1]),
            0.5 * np.vdot(outer, scaled**2 * decay), np.diag(outer) @ noise * sd**2,
        ])  # fmt: skip
        off = (logs - START) / SPREAD
        value = 0.5 * z @ dual + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
        return value, slope + off / SPREAD

    bounds = [(centre - 5, centre + 5) for centre in START]
    logs = minimize(loss, np.clip(start, *np.transpose(bounds)), jac=True, method="L-BFGS-B", bounds=bounds,
                    options={"maxiter": 60}).x  # fmt: skip
    sizes = np.exp(logs[:3])
    trend, bumps = _kernels(weights, weights, sizes)
    covariance = trend + bumps + np.diag(np.exp(2 * logs[3]) * noise + JITTER)
    return Process(weights, cho_solve(cho_factor(covariance, lower=True), z), sizes, shift, scale)
