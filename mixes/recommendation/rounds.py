"""Rounds of a swarm: what the proxies so far have scored decides around which mixes the next ones are drawn.

Thompson sampling (Thompson 1933; Russo et al. 2018, arXiv 1707.02038) by the bootstrap: every new mix lies around the
optimum of laws that were fitted to another imagined measurement of the same mixes, so new mixes gather where the best
one may be, as closely as the evidence says. A share of each round goes on exploring (mixes/swarm.py).
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
