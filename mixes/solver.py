"""Levenberg–Marquardt for many small least-squares problems at once.

A law is fitted once a task, fold and bootstrap replicate: hundreds of problems of a dozen parameters. One by
one, Python's overhead is nearly all of the time; stacked, an iteration of all of them is a handful of array
operations. Source: Moré 1978, "The Levenberg–Marquardt algorithm: implementation and theory".
"""

from collections.abc import Callable

import numpy as np

# parameters (P, q), problem numbers (P,) → residuals (P, n) and their Jacobian (P, n, q)
Residuals = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def least_squares(
    residuals: Residuals, start: np.ndarray, iterations: int = 200, tolerance: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise each problem's sum of squares from `start` (P, q).

    A problem stops when a step gains less than `tolerance` of its sum, or its damping has no more room; a
    stopped problem leaves the stack.

    Returns:
        parameters (P, q) and half sums of squares (P,).
    """
    best = start.copy()
    active = np.arange(len(start))
    r, jacobian = residuals(best, active)
    cost = 0.5 * np.einsum("pn,pn->p", r, r)
    final = cost.copy()
    damping = np.full(len(start), 1e-2)
    for _ in range(iterations):
        gradient = np.einsum("pnq,pn->pq", jacobian, r)
        normal = np.matmul(jacobian.transpose(0, 2, 1), jacobian)
        scale = np.maximum(np.einsum("pqq->pq", normal), 1e-12)
        damped = normal + np.einsum("p,pq,qr->pqr", damping, scale, np.eye(scale.shape[1]))
        trial = best[active] - np.linalg.solve(damped, gradient[..., None])[..., 0]
        r_trial, jacobian_trial = residuals(trial, active)
        cost_trial = 0.5 * np.einsum("pn,pn->p", r_trial, r_trial)
        better = cost_trial < cost  # False for nan: a step into overflow is refused
        gained = np.where(better, cost - cost_trial, np.inf)
        best[active[better]] = trial[better]
        r[better], jacobian[better], cost[better] = r_trial[better], jacobian_trial[better], cost_trial[better]
        damping = np.where(better, damping / 3, damping * 4)
        final[active] = cost
        going = (gained > tolerance * np.maximum(cost, 1e-300)) & (damping < 1e10)
        active, damping, cost = active[going], np.maximum(damping[going], 1e-12), cost[going]
        r, jacobian = r[going], jacobian[going]
        if not len(active):
            break
    return best, final
