"""Levenberg–Marquardt for many small regularised least-squares problems at once.

A law is fitted once per task, fold and bootstrap replicate: thousands of problems of some dozens of parameters. One
by one, they would spend nearly all of the time in Python. Stacked, an iteration of all of them is a handful of array
operations. Stacks are solved in blocks that fit the processor's cache, so memory does not grow with their number.
Blocks run in threads, each with a single BLAS thread, so the answer does not depend on the number of cores.
Source: Moré 1978, "The Levenberg–Marquardt algorithm: implementation and theory".
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

# parameters (P, q), problem numbers (P,) → residuals (P, n) and their Jacobian (P, n, q)
Residuals = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

BLOCK = 2**20  # numbers in a block's Jacobian: 8 MB
LARGE = 2**18  # numbers in one problem's Jacobian above which steps of L-BFGS are cheaper; measured at 1,000 × 480
DESCENT = 200  # most steps of a large problem
# Share of a domain's own standard deviation by which parts of one domain may differ. Assumed: on the sample's 18 mixes
# held-out errors of the transfer law are 0.725 to 0.758 standard deviations for shares from 1 to 1/20, untied 0.732.
TIED = 1 / 3


@dataclass(frozen=True)
class Prior:
    """Independent normal terms: parameter `index` less parameter `level` is about `mean`, give or take `sd`.

    A level is a parameter too, so parameters are shrunk to what they have in common. Level −1 is zero.
    All are (m,).
    """

    index: np.ndarray
    level: np.ndarray
    mean: np.ndarray
    sd: np.ndarray

    def tied(self, ties: Sequence[int], *firsts: int) -> "Prior":
        """The same prior, except that each part of a domain is about the part that `ties` names.

        ties: (d,) a domain's own place where it is tied to nothing. firsts: where each block of d parameters begins.
        """
        level, mean, sd = self.level.copy(), self.mean.copy(), self.sd.copy()
        for first in firsts:
            for place, other in enumerate(ties):
                if other != place:
                    rows = self.index == first + place
                    level[rows], mean[rows] = first + other, 0.0
                    sd[rows] *= TIED
        return replace(self, level=level, mean=mean, sd=sd)

    def residual(self, theta: np.ndarray) -> np.ndarray:
        """(P, m) at theta (P, q)."""
        level = np.where(self.level >= 0, theta[:, self.level], 0.0)
        return (theta[:, self.index] - level - self.mean) / self.sd

    def slope(self, parameters: int) -> np.ndarray:
        """The residual's Jacobian (m, q), constant."""
        matrix, rows = np.zeros((len(self.sd), parameters)), np.arange(len(self.sd))
        matrix[rows, self.index] = 1 / self.sd
        has = self.level >= 0
        matrix[rows[has], self.level[has]] = -1 / self.sd[has]
        return matrix


def in_blocks(solve: Callable[[np.ndarray], np.ndarray], problems: int, size: int) -> np.ndarray:
    """`solve(problem numbers)` over consecutive blocks of all problems, in threads; rows joined in order.

    size: numbers that one problem's Jacobian holds.
    """
    step = max(1, BLOCK // max(size, 1))
    blocks = [np.arange(first, min(first + step, problems)) for first in range(0, problems, step)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(os.cpu_count() or 1, len(blocks))) as pool:
        return np.concatenate(list(pool.map(solve, blocks)))


def least_squares(
    residuals: Residuals, prior: Prior, start: np.ndarray, iterations: int = 200, tolerance: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise each problem's sum of squares, residuals and prior together, from `start` (P, q).

    A problem stops when a step gains less than `tolerance` of its sum, or when its damping reaches the limit. It then
    leaves the stack.

    Returns:
        parameters (P, q) and half sums of squares (P,).
    """
    matrix = prior.slope(start.shape[1])
    precision = matrix.T @ matrix
    diagonal = np.arange(start.shape[1])
    best, active = start.copy(), np.arange(len(start))

    def at(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        r, jacobian = residuals(theta, active)
        pulled = prior.residual(theta)
        cost = 0.5 * (np.einsum("pn,pn->p", r, r) + np.einsum("pm,pm->p", pulled, pulled))
        return r, jacobian, pulled, cost

    r, jacobian, pulled, cost = at(best)
    gradient, normal = _normal_equations(r, jacobian, pulled, matrix, precision)
    final, damping = cost.copy(), np.full(len(start), 1e-2)
    for _ in range(iterations):
        damped = normal.copy()
        damped[:, diagonal, diagonal] *= 1 + damping[:, None]
        trial = best[active] - np.linalg.solve(damped, gradient[..., None])[..., 0]
        r, jacobian, pulled, cost_trial = at(trial)
        better = cost_trial < cost  # False for nan: a step into overflow is refused
        gained = np.where(better, cost - cost_trial, np.inf)
        best[active[better]] = trial[better]
        cost = np.where(better, cost_trial, cost)
        final[active] = cost
        damping = np.where(better, damping / 3, damping * 4).clip(1e-12)
        going = (gained > tolerance * np.maximum(cost, 1e-300)) & (damping < 1e10)
        renew = better & going
        if renew.any():
            gradient[renew], normal[renew] = _normal_equations(
                r[renew], jacobian[renew], pulled[renew], matrix, precision
            )
        active, damping, cost, gradient, normal = (x[going] for x in (active, damping, cost, gradient, normal))
        if not len(active):
            break
    return best, final


def large_least_squares(
    residuals: Callable[[np.ndarray, slice], tuple[np.ndarray, np.ndarray]], count: int, prior: Prior,
    start: np.ndarray, tolerance: float = 1e-6,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """One problem whose Jacobian is too large to hold: L-BFGS, the slope summed over slices of its `count` rows.

    residuals: parameters (q,), rows → residuals (m,) and their Jacobian (m, q).

    Returns:
        parameters (q,) and half the sum of squares.
    """
    from scipy.optimize import minimize  # slow to import

    step = max(1, BLOCK // len(start))
    has = prior.level >= 0

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        pulled = prior.residual(theta[None])[0]
        total, slope = 0.5 * float(pulled @ pulled), np.zeros(len(theta))
        np.add.at(slope, prior.index, pulled / prior.sd)
        np.add.at(slope, prior.level[has], -(pulled / prior.sd)[has])
        for first in range(0, count, step):
            r, jacobian = residuals(theta, slice(first, first + step))
            total += 0.5 * float(r @ r)
            slope += r @ jacobian
        return (total, slope) if np.isfinite(total) else (np.inf, np.zeros(len(theta)))

    solution = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": DESCENT, "ftol": tolerance})
    return solution.x, float(solution.fun)


def _normal_equations(
    r: np.ndarray, jacobian: np.ndarray, pulled: np.ndarray, matrix: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (P, q) and Gauss–Newton matrix (P, q, q), which the prior keeps positive."""
    transposed = jacobian.transpose(0, 2, 1)
    gradient = np.matmul(transposed, r[..., None])[..., 0] + pulled @ matrix
    return gradient, np.matmul(transposed, jacobian) + precision
