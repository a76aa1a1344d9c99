"""The best mix under the laws: an exact convex problem, since every law is convex in the mix.

minimise    Σ_t v_t law_t(w) + λ KL(w ‖ natural)
subject to  w ≥ 0, Σ w = 1, w ≤ caps
"""

from collections.abc import Mapping, Sequence

import cvxpy as cp
import numpy as np
from scipy.optimize import minimize

from mixes.errors import MixError
from mixes.fit import TaskLaw

SMALLEST = 1e-5  # weights below are the solver's zero


def best_mix(
    laws: Mapping[str, TaskLaw], tasks: Mapping[str, float], natural: np.ndarray, caps: np.ndarray, pull: float
) -> np.ndarray:
    """The optimal mix (n_domains,) for task weights `tasks`; `pull` is λ, in bpb.

    Raises:
        MixError: the solver did not report an optimum.
    """
    weights = cp.Variable(len(natural), nonneg=True)
    value = sum(v * laws[task].kind.expression(laws[task].parameters, weights) for task, v in tasks.items() if v)  # type: ignore[attr-defined]
    if pull:
        divergence = cp.sum(cp.rel_entr(weights, np.maximum(natural, SMALLEST)))
        value = value / (1 + pull) + pull / (1 + pull) * divergence  # of order one, whatever the pull
    problem = cp.Problem(cp.Minimize(value), [cp.sum(weights) == 1, weights <= caps])
    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.SolverError as error:
        raise MixError(f"optimum: the solver failed ({error})") from None
    if problem.status != cp.OPTIMAL or weights.value is None:
        raise MixError(f"optimum: the solver ended with {problem.status!r}, not with an optimum")
    return _clean(weights.value, caps)


def nearby_best_mix(
    kinds: Sequence,
    parameters: Sequence[np.ndarray],
    values: Sequence[float],
    natural: np.ndarray,
    caps: np.ndarray,
    pull: float,
    start: np.ndarray,
) -> np.ndarray:
    """The optimal mix of one bootstrap replicate, started from the full fit's: a hundred times cheaper than exact.

    kinds, parameters ((1, q) each) and values: one entry a task that counts.
    """
    reference = np.maximum(natural, SMALLEST)

    def objective(w: np.ndarray) -> tuple[float, np.ndarray]:
        at = np.maximum(w, SMALLEST)
        total, slope = 0.0, np.zeros(len(w))
        for kind, theta, value in zip(kinds, parameters, values, strict=True):
            total += value * kind.predict(theta, at[None])[0, 0]
            slope += value * kind.gradient(theta, at)[0]
        ratio = np.log(at / reference)
        return total + pull * (at * ratio).sum(), slope + pull * (ratio + 1)

    found = minimize(
        objective, start, jac=True, method="SLSQP", bounds=[(0.0, cap) for cap in caps],
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(len(w))},
        options={"maxiter": 200, "ftol": 1e-9},
    )  # fmt: skip
    return _clean(found.x, caps)


def _clean(weights: np.ndarray, caps: np.ndarray) -> np.ndarray:
    """Solver dust to zero, sum to one, within the caps."""
    weights = np.where(weights < SMALLEST, 0, np.minimum(weights, caps))
    free = weights < caps
    missing = 1 - weights.sum()
    share = np.where(free, weights, 0)
    return weights + missing * share / share.sum() if share.sum() else weights
