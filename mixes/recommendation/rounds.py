"""Rounds of a swarm: the scores so far decide around which mixes the next ones are drawn, and whether there are any.

Thompson sampling (Thompson 1933; Russo et al. 2018, arXiv 1707.02038) by the bootstrap: every new mix lies around the
optimum of laws that were fitted to another imagined measurement of the same mixes. So new mixes gather where the best
one may be, and the more the evidence says, the closer they lie. A share of each round explores (mixes/swarm.py).

The same worlds say what is left to learn. The regret to be expected is what each world's best mix gains there over
the one that would be recommended there, on average. A swarm may end when it is small: the knowledge gradient's
stopping rule (Frazier, Powell and Dayanik 2008, doi:10.1137/070693424) with all mixes at once.
"""

from dataclasses import dataclass

import numpy as np

from mixes.certainty.fitted import fit_swarm
from mixes.certainty.worlds import imagine_worlds
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.target import OVERALL

FOR_REGRET = 60  # worlds that a regret is averaged over, at least; its standard error is then about a seventh of it


@dataclass(frozen=True)
class LookAhead:
    """What the scores so far say about the next round."""

    optima: np.ndarray  # (n, n_domains) mixes that may be the best one for what is asked, in the order of the domains
    regret: float  # what the best mix is expected to gain over the one recommended now, in the target's unit
    noise: float  # of a difference between two proxies, in the same unit

    @property
    def noises(self) -> float:
        """The regret in noises."""
        return self.regret / max(self.noise, 1e-300)


def look_ahead(question: Question, count: int) -> LookAhead:
    """Where `count` more mixes should lie, and how much there is to learn.

    Raises:
        MixError: as `recommend` does.
    """
    fitted = fit_swarm(question.runs, question.settings.law, question.seed, question.seeds)
    problem = problem_of(question, fitted)
    counted = {*problem.target, *(task for name in question.settings.limits.keep for task in problem.aims[name])}
    fits = {task: fitted.local_fits[task] for task in sorted(counted)}
    worlds = imagine_worlds(fits, problem.tried, count, question.seed)
    now = problem.solve(problem.objective, problem.limits).mix
    of_truths, of_refits = problem.optima(worlds, now)
    regret = worlds.regret(problem.target, of_truths, of_refits)
    return LookAhead(of_truths, regret, problem.noise_between(OVERALL, now))
