"""The best mix by the laws alone, in milliseconds: fast enough to follow a slider."""

from dataclasses import dataclass

import numpy as np

from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.worlds import Worlds
from mixes.errors import MixError
from mixes.recommendation.predictions import capped_domains, epochs_of, named
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question


@dataclass(frozen=True)
class LawScores:
    """What the laws predict for one aim, in the task's own unit (bpb as a rule). The optimism is not taken off."""

    mix: float
    natural: float  # or the swarm's centre, where the natural mix is unknown
    uniform: float


@dataclass(frozen=True)
class Answer:
    """The best mix, without intervals or a verdict."""

    mix: dict[str, float]
    natural: dict[str, float]  # what the mix is compared with
    epochs: dict[str, float]  # at the budget; empty where the available tokens are unknown
    caps: dict[str, float]  # domains whose weight lies on its cap, and the cap
    binding: dict[str, float]  # limit → what 0.01 more of it would gain on the target
    predicted: dict[str, LawScores]  # target, families, tasks
    gap: float | None  # no mix within the limits is predicted better by more; None: searched, not proven


def answer(question: Question, fitted: FittedSwarm, worlds: Worlds | None = None) -> Answer:
    """The best mix for a question, by laws that are already fitted.

    Args:
        question: what is asked.
        fitted: `fit_swarm` of the question's runs, law, seed and seeds.
        worlds: imagined worlds of `fitted`; only `robust` needs them.

    Returns:
        The mix and its predicted scores, within tens of milliseconds for 24 domains and 50 tasks; seconds if `robust`.

    Raises:
        MixError: as `recommend`; or `robust` is set and there are no worlds.

    Example:
        fitted = fit_swarm(runs, seeds=seeds)
        answer(Question(runs, families, settings=RecommendSettings(target={"code": 1.0})), fitted).mix["code"]
    """
    if question.settings.robust and worlds is None:
        raise MixError("robust: a robust mix needs imagined worlds — ask for a whole recommendation")
    problem = problem_of(question, fitted)
    best = problem.best(worlds) if worlds else problem.solve(problem.objective, problem.limits)
    mixes = np.array([best.mix, problem.reference, np.full(len(best.mix), 1 / len(best.mix))])
    return Answer(
        mix=named(problem, best.mix),
        natural=named(problem, problem.reference),
        epochs=epochs_of(problem, best.mix),
        caps=capped_domains(problem, best.mix),
        binding=best.prices,
        predicted={
            name: LawScores(*problem.objective_of(aim).value(mixes).tolist()) for name, aim in problem.aims.items()
        },
        gap=best.gap,
    )
