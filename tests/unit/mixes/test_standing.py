"""Whether a mix is worth leaving another one for, where the truth is planted."""

from functools import partial

import numpy as np
import pytest
from planted_swarm import DOMAINS, FAMILIES, NATURAL, swarm

from mixes.certainty.fitted import fit_swarm
from mixes.optimum.holdings import Holdings
from mixes.recommendation.optima import imagined
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.recommendation.standing import gains_over
from mixes.target import OVERALL


@pytest.fixture(scope="module")
def asked():
    available = {name: share * 1e6 for name, share in NATURAL.items()}
    settings = RecommendSettings(replicates=40, max_epochs=1000)
    question = Question(swarm(1.0, 0.01), FAMILIES, Holdings(NATURAL, available), settings)
    fitted = fit_swarm(question.runs)
    worlds = imagined(fitted, 40, seed=0)
    return question, fitted, worlds, recommend(question, fitted, lambda _: worlds)


def test_over_natural_it_is_the_recommendations_own_gain(asked):
    question, fitted, worlds, recommendation = asked
    over = gains_over(question, NATURAL, fitted, worlds)[OVERALL]
    gain, row = over.gain, recommendation.predicted[OVERALL]
    assert gain.value == pytest.approx(row.gain)
    assert (gain.low, gain.high) == pytest.approx((row.gain_low, row.gain_high))
    assert over.verdict == recommendation.verdict[OVERALL] == "better"
    assert over.noise == row.noise


def test_a_standing_mix_that_is_as_good_is_kept_and_a_poor_one_is_left(asked):
    question, fitted, worlds, recommendation = asked
    gains = partial(gains_over, question, fitted=fitted, worlds=worlds)
    itself = gains(recommendation.mix)[OVERALL]
    assert itself.verdict == "not_distinguishable"
    assert itself.gain.value <= 1e-9  # against itself: nothing, less what choosing it adds
    poor = dict(zip(DOMAINS, (0.01, 0.01, 0.98), strict=True))
    over = gains(poor)[OVERALL]
    assert over.verdict == "better"

    def truth(mix):
        books, code = mix["books"], mix["code"]
        return float(np.mean([np.mean([3 - code**0.5, 4 - code**0.5]), 3 - books**0.5]))

    assert over.gain.low < truth(poor) - truth(recommendation.mix) < over.gain.high
