"""Rounds of a swarm: the scores so far decide around which mixes the next ones are drawn.

Thompson sampling (Thompson 1933; Russo et al. 2018, arXiv 1707.02038) by the bootstrap: every new mix lies around the
optimum of laws that were fitted to another imagined measurement of the same mixes. So new mixes gather where the best
one may be, and the more the evidence says, the closer they lie. A share of each round explores (mixes/swarm.py).
"""

import numpy as np

from mixes.certainty.fitted import fit_swarm
from mixes.certainty.worlds import imagine_worlds
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question


def likely_optima(question: Question, count: int) -> np.ndarray:
    """(count, n_domains) mixes that may be the best one for what is asked, in the order of `question.runs.domains`.

    Raises:
        MixError: as `recommend` does.
    """
    fitted = fit_swarm(question.runs, question.settings.law, question.seed, question.seeds)
    problem = problem_of(question, fitted)
    target = {task: weight for task, weight in problem.target.items() if weight}
    worlds = imagine_worlds({task: fitted.local_fits[task] for task in target}, problem.tried, count, question.seed)
    return np.array(
        [
            problem.solve(objective, problem.limits).mix
            for objective in worlds.objectives(target, problem.anchor, problem.pull)
        ]
    )
