"""Simple mixes: their right weights, and where one beats a recommendation."""

import numpy as np
import pytest
from planted_swarm import DOMAINS, FAMILIES, NATURAL, swarm

from mixes.certainty.fitted import fit_swarm
from mixes.explain.baselines import ahead, simple_gains
from mixes.optimum.baselines import tempered_mix, unimax_mix
from mixes.optimum.holdings import Holdings
from mixes.optimum.settings import LimitSettings
from mixes.recommendation.baselines import baselines
from mixes.recommendation.optima import imagined
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import to_array

TOKENS = {name: share * 1e6 for name, share in NATURAL.items()}


@pytest.fixture(scope="module")
def fitted():
    return fit_swarm(swarm(signal=1.0, noise=0.01))


def put(fitted, holdings: Holdings, **settings):
    """A problem."""
    return problem_of(Question(fitted.runs, FAMILIES, holdings, RecommendSettings(replicates=40, **settings)), fitted)


def answered(problem):
    """Its worlds, the recommendation, and its mix."""
    worlds = imagined(problem.fitted, 40, 0)
    recommendation = recommend(problem.question, problem.fitted, lambda _: worlds)
    return worlds, recommendation, to_array(recommendation.mix, DOMAINS, "mix")


def test_a_tempered_mix_lies_between_natural_and_uniform():
    natural = np.array([0.64, 0.16, 0.2, 0.0])
    assert tempered_mix(natural, 1.0) == pytest.approx(natural)
    assert tempered_mix(natural, 0.0) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert tempered_mix(np.array([0.64, 0.36]), 0.5) == pytest.approx([0.8 / 1.4, 0.6 / 1.4])


def test_unimax_fills_up_from_the_smallest_domain():
    assert unimax_mix(np.array([1.0, 0.1, 1.0])) == pytest.approx([0.45, 0.1, 0.45])
    assert unimax_mix(np.array([0.1, 0.3, 0.9])) == pytest.approx([0.1, 0.3, 0.6])
    assert unimax_mix(np.ones(4)) == pytest.approx(np.full(4, 0.25))
    assert unimax_mix(np.array([0.2, 0.2])) == pytest.approx([0.5, 0.5])  # caps that do not fill the budget


def test_unimax_is_its_papers_algorithm():
    """Algorithm 1 of arXiv 2304.09151, in tokens."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        tokens, budget, epochs = rng.lognormal(0, 2, 12), 10.0, 4.0
        given, left = np.zeros(12), budget
        for done, i in enumerate(np.argsort(tokens)):
            share = left / (12 - done)
            given[i] = min(share, epochs * tokens[i])
            left -= given[i]
        assert unimax_mix(epochs * tokens / budget) == pytest.approx(given / given.sum())


def test_names_follow_what_is_known(fitted):
    known = put(fitted, Holdings(NATURAL, TOKENS), max_epochs=2.0)
    assert [row.name for row in baselines(known)] == ["uniform", "UniMax", "natural^0.7", "natural^0.5", "natural^0.3"]
    loose = put(fitted, Holdings(NATURAL, TOKENS), max_epochs=8.0)
    assert "UniMax" not in {row.name for row in baselines(loose)}  # it is uniform
    assert [row.name for row in baselines(put(fitted, Holdings(NATURAL)))][:2] == ["uniform", "natural^0.7"]
    assert [row.name for row in baselines(put(fitted, Holdings()))] == ["uniform"]


def test_a_mix_that_repeats_too_often_is_not_allowed(fitted):
    problem = put(fitted, Holdings(NATURAL, TOKENS), max_epochs=2.0, limits=LimitSettings(epochs={"code": 3.0}))
    rows = {row.name: row for row in baselines(problem)}
    assert not rows["uniform"].allowed
    assert rows["uniform"].too_often == ("code", pytest.approx(10 / 3))
    assert rows["UniMax"].allowed
    assert rows["UniMax"].too_often is None
    assert dict(zip(DOMAINS, rows["UniMax"].mix, strict=True)) == pytest.approx(
        {"books": 0.35, "code": 0.3, "web": 0.35}
    )


def test_gains_are_those_of_the_laws_and_of_the_record(fitted):
    problem = put(fitted, Holdings(NATURAL, TOKENS), max_epochs=2.0)
    worlds, recommendation, _ = answered(problem)
    simple = baselines(problem)
    rows = simple_gains(problem, worlds, simple, ("target", "code"))
    for aim, gains in rows.items():
        row = recommendation.predicted[aim]
        assert gains[0].value == pytest.approx(row.natural - row.uniform)
        assert all(gain.low <= gain.value <= gain.high for gain in gains)


def test_a_simple_mix_is_ahead_where_the_target_gives_a_family_away(fitted):
    problem = put(fitted, Holdings(NATURAL, TOKENS), max_epochs=8.0, target={"code": 1.0}, pull=0.0)
    worlds, recommendation, mix = answered(problem)
    simple, predicted = baselines(problem), recommendation.predicted
    assert ahead(problem, worlds, simple, mix, predicted["code"], "code") is None
    found = ahead(problem, worlds, simple, mix, predicted["knowledge"], "knowledge")
    assert found is not None
    gains = simple_gains(problem, worlds, simple, ("knowledge",))["knowledge"]
    assert found.by == pytest.approx(max(gain.value for gain in gains) - predicted["knowledge"].gain)
    assert 0 < found.low <= found.by <= found.high
    assert found.by > predicted["knowledge"].noise
