"""What cvxpy with Clarabel says of an optimum: the oracle of the optimum's tests, with each law as its expression."""

import cvxpy as cp
import numpy as np

from mixes.laws.kind import LawKind
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective


def linear(parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
    return weights @ parameters


def log_linear(parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
    shift, scale, asymptote, *rates = parameters
    return shift + scale * (asymptote + cp.exp(np.array(rates) @ weights))


def bimix(parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
    theta = parameters[2:]
    inner = np.exp(theta[1]) + np.exp(theta[2:-2]) @ weights
    return parameters[0] + parameters[1] * (theta[0] + cp.power(inner, -np.exp(theta[-2]), approx=False))


def transfer(parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
    theta, d = parameters[2:], weights.size
    gamma, factors = 1 / (1 + np.exp(-theta[2 + d : 2 + 2 * d])), np.exp(theta[2 : 2 + d])
    powers = [k * cp.power(weights[j], g, approx=False) for j, (k, g) in enumerate(zip(factors, gamma, strict=True))]
    value = cp.power(np.exp(theta[1]) + sum(powers), -np.exp(theta[-3]), approx=False)
    return parameters[0] + parameters[1] * (theta[0] + theta[2 + 2 * d : 2 + 3 * d] @ weights + value)


EXPRESSIONS = {"linear": linear, "log_linear": log_linear, "bimix": bimix, "transfer": transfer}


def law_expression(kind: LawKind, parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
    """One task's parameters (q,) as a convex expression of the mix (d,)."""
    return EXPRESSIONS[kind.name](parameters, weights)


def clarabel(aim: Objective, within: Limits) -> np.ndarray | None:
    """The mix that cvxpy with Clarabel finds, brought inside the limits; None where it fails."""
    weights = cp.Variable(len(aim.anchor), nonneg=True)
    constraints = [cp.sum(weights) == 1]
    for bound in within.bounds:
        total = bound.members(within.domains) @ weights
        constraints += [total >= bound.low] * (bound.low > 0) + [total <= bound.high] * (bound.high < 1)
    constraints += [objective_expression(one.objective, weights) <= one.most for one in within.ceilings]
    problem = cp.Problem(cp.Minimize(objective_expression(aim, weights)), constraints)
    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.SolverError:
        return None
    if problem.status != cp.OPTIMAL:
        return None
    found = np.maximum(weights.value, 0) / np.maximum(weights.value, 0).sum()
    for share in (0, *2.0 ** np.arange(-40, 1)):  # its constraints hold to within its tolerance only
        mix = found + share * (within.centre - found)
        over = [one.objective.value(mix[None])[0] > one.most for one in within.ceilings]
        if within.room.holds(mix[None], 1e-9)[0] and not any(over):
            return mix
    return None


def objective_expression(aim: Objective, weights: cp.Variable) -> cp.Expression:
    value = sum(
        v * law_expression(p.kind, theta, weights)
        for p in aim.parts
        for v, theta in zip(p.values, p.parameters, strict=True)
    )
    if aim.pull:
        value = value + aim.pull * cp.sum(cp.rel_entr(weights, np.maximum(aim.anchor, 1e-5)))
    return value
