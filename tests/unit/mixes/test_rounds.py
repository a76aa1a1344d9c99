"""Rounds: later mixes lie around what may be best, explore besides, and are drawn once."""

import itertools

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.optimum.holdings import Holdings
from mixes.recommendation.question import Question
from mixes.recommendation.rounds import look_ahead
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs
from mixes.swarm import SwarmSettings, draw_round, draw_swarm

TOKENS = {"books": 4e6, "code": 1e6, "math": 2e6, "web": 3e6}
NAMES = sorted(TOKENS)
NATURAL = {name: held / sum(TOKENS.values()) for name, held in TOKENS.items()}
FREE = dict.fromkeys(NAMES, 1.0)
BEST = np.array([0.1, 0.6, 0.2, 0.1])  # of the planted truth
SETTINGS = SwarmSettings(rounds=(16, 8, 6), max_epochs=100)


def planted(candidates, noise, seed=0):
    """Scores of a law whose best mix is BEST: the sum of √(best · weight) is largest there."""
    rng, runs = np.random.default_rng(seed), []
    for candidate in candidates:
        mix = np.array([candidate.weights[name] for name in NAMES])
        score = 1 + 1 / (0.1 + float(np.sqrt(BEST * mix).sum()))
        name = f"{candidate.mix}/{candidate.seed}"
        runs.append(Run(name, candidate.mix, candidate.weights, {"a": score + noise * rng.standard_normal()}))
    return Runs(runs)


def distance(one, other):
    return 0.5 * np.abs(one - other).sum(axis=-1)


def look(noise, count=12):
    runs = planted(draw_swarm(TOKENS, 1, SETTINGS, seed=1), noise)
    question = Question(runs, {"a": "a"}, Holdings(NATURAL), RecommendSettings(law="transfer"), seed=2)
    return look_ahead(question, count)


def optima(noise):
    return look(noise).optima


def test_what_may_be_best_gathers_as_the_noise_falls():
    sure, unsure = optima(0.003), optima(0.1)
    assert distance(sure, BEST).mean() < 0.12
    assert distance(sure, sure.mean(axis=0)).mean() < 0.6 * distance(unsure, unsure.mean(axis=0)).mean()


def test_a_round_lies_around_the_optima_and_explores_besides():
    first = draw_swarm(TOKENS, 1, SETTINGS, seed=1)
    assert sum(one.mix.startswith("mix-") and one.seed == 0 for one in first) == 16
    here = np.array([[0.05, 0.85, 0.05, 0.05]])
    second = draw_round(2, first, here, NATURAL, FREE, SETTINGS, seed=1)
    assert [one.mix for one in second] == [f"mix-{number:03d}" for number in range(17, 25)]
    assert {(one.round, one.seed) for one in second} == {(2, 0)}
    mixes = np.array([[one.weights[name] for name in NAMES] for one in second])
    far = distance(mixes, here) > 0.3
    assert far.sum() <= 2, "two of eight explore"
    assert not far[2:].any()
    everything = {one.mix: np.array([one.weights[name] for name in NAMES]) for one in [*first, *second]}
    for one, other in itertools.combinations(everything.values(), 2):
        assert distance(one, other) >= SETTINGS.min_distance - 1e-5
    assert second == draw_round(2, first, here, NATURAL, FREE, SETTINGS, seed=1)
    third = draw_round(3, [*first, *second], here, NATURAL, FREE, SETTINGS, seed=1)
    assert [one.mix for one in third] == [f"mix-{number:03d}" for number in range(25, 31)]


def test_the_first_round_is_a_swarm_of_one():
    alone = draw_swarm(TOKENS, 1, SwarmSettings(mixes=16, max_epochs=100), seed=1)
    assert alone == draw_swarm(TOKENS, 1, SETTINGS, seed=1)


def test_proxies_stay_within_their_own_epochs():
    settings = SwarmSettings(rounds=(12, 6), max_epochs=2)
    caps = {**FREE, "code": 0.5}
    runs = planted(draw_swarm(TOKENS, 1, SETTINGS, seed=1), 0.01)
    question = Question(runs, {"a": "a"}, Holdings(caps={**dict.fromkeys(NAMES, 0.9), "web": 0.1}))
    assert question.within(caps).holdings.caps == {"books": 0.9, "code": 0.5, "math": 0.9, "web": 0.1}
    first = draw_swarm(TOKENS, 4_000_000, settings, seed=1)
    more = draw_round(2, first, np.array([[0.2, 0.5, 0.2, 0.1]]), NATURAL, caps, settings, seed=1)
    assert max(one.weights["code"] for one in more) <= 0.5
    with pytest.raises(MixError, match=r"raise swarm\.max_epochs"):
        draw_round(2, first, np.array([[0.0, 1.0, 0.0, 0.0]]), NATURAL, caps, settings, seed=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rounds": [8, 0]}, "greater than or equal to 1"),
        ({"rounds": [8, 4], "mixes": 12}, "leave one out"),
        ({"rounds": [7, 4]}, "too few mixes to fit laws to — draw 8 or more at first"),
        ({"stop": {"regret": 0}}, "greater than 0"),
        ({"stop": {"regret": 0.5, "least": 4}}, "greater than or equal to 8"),
        ({"stop": {"regret": 0.5, "least": 20}, "mixes": 12}, "20 mixes are more than the 12 that there are"),
    ],
)
def test_rounds_that_make_no_sense(given, said):
    with pytest.raises(ValueError, match=said):
        SwarmSettings(**given)


def test_a_stop_makes_rounds_of_its_own():
    assert SwarmSettings(mixes=30, stop={"regret": 0.5}).schedule(4) == (16, 4, 4, 4, 2)
    assert SwarmSettings(mixes=60, stop={"regret": 0.5}).schedule(25) == (38, 8, 8, 6)
    assert SwarmSettings(mixes=30, stop={"regret": 0.5}).schedule(25) == (30,)
    assert SwarmSettings(mixes=30, stop={"regret": 0.5, "least": 16, "step": 10}).schedule(4) == (16, 10, 4)
    assert SwarmSettings(rounds=[16, 4], stop={"regret": 0.5, "least": 16}).schedule(4) == (16, 4)
    assert SwarmSettings(mixes_a_domain=5).schedule(4) == (20,)
    assert not SwarmSettings(rounds=[20]).by_scores


def test_regret_falls_with_the_noise_and_is_about_what_is_lost():
    def lost(ahead, mix):
        return 1 / (0.1 + np.sqrt(BEST * mix).sum()) - 1 / 1.1

    sure, unsure = look(0.003), look(0.1)
    assert sure.regret < 0.3 * unsure.regret
    assert sure.regret == pytest.approx(np.mean([lost(sure, one) for one in sure.optima]), rel=3, abs=0.01)
    assert unsure.noises == pytest.approx(unsure.regret / unsure.noise)
