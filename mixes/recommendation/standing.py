"""Whether a recommended mix is worth leaving another mix for, such as the one that a training run stands on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.intervals import Gain, gain_of
from mixes.certainty.verdict import Verdict, verdict_of
from mixes.certainty.worlds import Worlds
from mixes.recommendation.optima import optima_of
from mixes.recommendation.question import Question
from mixes.runs import to_array


@dataclass(frozen=True)
class GainOver:
    """What the best mix gains over the standing one on one aim, corrected for having been chosen, and the verdict."""

    gain: Gain
    verdict: Verdict
    noise: float  # that the verdict goes by: of a difference between proxies of the two mixes


def gains_over(
    question: Question, standing: Mapping[str, float], fitted: FittedSwarm, worlds: Worlds
) -> dict[str, GainOver]:
    """Aim → what the best mix gains over the standing one.

    Args:
        question: what the best mix is found for.
        standing: domain → share, over the question's domains.
        fitted, worlds: laws of the question's runs, and imagined worlds of them.

    Raises:
        MixError: as `recommend`, or the standing mix is over other domains.
    """
    optima = optima_of(question, fitted, lambda _: worlds)
    problem, best = optima.problem, optima.best.mix
    other = to_array(standing, fitted.runs.domains, "standing mix")
    own = worlds.own_gains(optima.of_refits, other)
    answers = {}
    for name, aim in problem.aims.items():
        on_best, on_other = problem.objective_of(aim).value(np.array([best, other]))
        gain = gain_of(float(on_other - on_best), own.errors(aim), question.settings.coverage)
        noise = problem.noise_between(name, best, other)
        answers[name] = GainOver(gain, verdict_of(gain, noise), noise)
    return answers
