"""The best mix, found here and in every imagined world in the same way."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.worlds import Worlds, imagine_worlds
from mixes.laws.fit import LARGE
from mixes.optimum.exact import Optimum
from mixes.recommendation.predictions import gain_on
from mixes.recommendation.problem import Problem, problem_of
from mixes.recommendation.question import Question

SEARCHED_WORLDS = 40  # where laws are not convex: each world's optimum is a search that takes seconds
MANY, MANY_WORLDS = 16_000, 100  # weights (mixes × domains) from which on a world's refits take half a second or more;
# the ends of a 90 % interval are then known to 0.21 of its standard deviation, with 200 worlds to 0.15
LARGE_WORLDS = 40  # in large swarms, where each optimum takes seconds

WorldsOf = Callable[[int], Worlds]  # their number → that many imagined worlds of the fitted swarm


@dataclass(frozen=True)
class Optima:
    """The answer to a problem, and the answers to the same problem in imagined worlds."""

    problem: Problem
    worlds: Worlds
    best: Optimum
    of_truths: np.ndarray  # (B, n_domains)
    of_refits: np.ndarray  # (B, n_domains)


def imagined(
    fitted: FittedSwarm, count: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> Worlds:
    """`count` imagined worlds of a fitted swarm: seconds to minutes; any question can then be put to them."""
    weights = next(iter(fitted.local_fits.values())).weights  # with each run's size, where there are several
    return imagine_worlds(fitted.local_fits, weights, count, seed, progress)


def optima_of(question: Question, fitted: FittedSwarm, worlds_of: WorldsOf) -> Optima:
    """The best mix here and in every world, all found in the same way.

    The floors of `keep` against a checkpoint are compared with predictions, which include the optimism. The optimism is
    known only after the worlds have been solved. So they are solved twice: without it, and then under floors that are
    lowered by it. Weights and gains are judged by the second solution, whose optimism differs from the first one's by
    less than a thousandth.
    """
    problem = problem_of(question, fitted)
    worlds = worlds_of(world_count(problem))
    optima = _solved(problem, worlds)
    if not (problem.own and question.settings.limits.keep):
        return optima
    own = worlds.own_gains(optima.of_refits, problem.reference)
    optimism = {
        name: max(0.0, gain_on(problem, problem.aims[name], own, optima.best.mix).optimism)
        for name in question.settings.limits.keep
    }
    return _solved(problem_of(question, fitted, optimism), worlds)


def optima_of_more(optima: Optima, worlds: Worlds) -> Optima:
    """The same problem in more worlds, of which `optima` has solved the first; they are not solved again.

    Where the best mix itself depends on the worlds, all of them are solved.
    """
    problem, settings = optima.problem, optima.problem.question.settings
    if settings.robust or (problem.own and settings.limits.keep):
        return optima_of(problem.question, problem.fitted, lambda _: worlds)
    rest = problem.optima(worlds.after(len(optima.of_truths)), optima.best.mix)
    known = (optima.of_truths, optima.of_refits)
    return Optima(problem, worlds, optima.best, *(np.concatenate(pair) for pair in zip(known, rest, strict=True)))


def _solved(problem: Problem, worlds: Worlds) -> Optima:
    best = problem.best(worlds)
    return Optima(problem, worlds, best, *problem.optima(worlds, best.mix))


def world_count(problem: Problem) -> int:
    """How many worlds a problem is judged by: as many as are asked for, fewer where each takes long."""
    replicates = problem.question.settings.replicates
    size = problem.tried.size
    if not problem.objective.convex:
        return min(SEARCHED_WORLDS, replicates)
    if size > MANY:
        return min(LARGE_WORLDS if size >= LARGE else MANY_WORLDS, replicates)
    return replicates
