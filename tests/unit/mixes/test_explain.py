"""Slices, shares of the gain, held-out predictions, trade-offs and health checks, against a planted truth."""

from dataclasses import replace

import numpy as np
import pytest
from planted_swarm import DOMAINS, FAMILIES, NATURAL, swarm

from mixes.certainty.fitted import fit_swarm
from mixes.explain.health import _coverage, _reach, health_checks
from mixes.explain.held_out import Coverage, coverages, held_out
from mixes.explain.shares_of_gain import gain_shares
from mixes.explain.slices import slice_along, slice_mixes
from mixes.explain.trade_offs import between, farther_from_anchor, front_between, most_opposed
from mixes.optimum.holdings import Holdings
from mixes.recommendation.optima import imagined
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs, to_array


@pytest.fixture(scope="module")
def studied():
    runs = swarm(signal=1.0, noise=0.01)
    holdings = Holdings(NATURAL, {name: share * 1e6 for name, share in NATURAL.items()})
    question = Question(runs, FAMILIES, holdings, RecommendSettings(replicates=40))
    fitted = fit_swarm(runs)
    worlds = imagined(fitted, 40, 0)
    recommendation = recommend(question, fitted, lambda _: worlds)
    problem = problem_of(question, fitted)
    return problem, worlds, recommendation, to_array(recommendation.mix, DOMAINS, "mix")


def test_a_slice_keeps_the_others_in_proportion():
    through = np.array([0.2, 0.3, 0.5])
    mixes = slice_mixes(through, 0, np.array([0.0, 0.2, 1.0]), np.ones(3) / 3)
    assert mixes == pytest.approx(np.array([[0, 0.375, 0.625], [0.2, 0.3, 0.5], [1, 0, 0]]))
    alone = slice_mixes(np.array([1.0, 0, 0]), 0, np.array([0.4]), np.array([0.2, 0.2, 0.6]))
    assert alone == pytest.approx(np.array([[0.4, 0.15, 0.45]]))


def test_a_slice_follows_the_law_through_the_mix(studied):
    problem, _, recommendation, mix = studied
    along = slice_along(problem, "code", mix, "code")
    at = int(np.flatnonzero(along.weights == mix[DOMAINS.index("code")])[0])
    stated = recommendation.predicted["code"]
    shifted = slice_along(problem, "code", mix, "code", optimism=stated.optimism)
    assert (shifted.scores[at], shifted.low[at], shifted.high[at]) == pytest.approx(
        (stated.mix, stated.mix_low, stated.mix_high)
    )
    assert along.scores[at] == pytest.approx(problem.objective_of(problem.aims["code"]).value(mix[None])[0])
    assert (np.diff(along.scores) < 0).all()  # code only helps code
    assert (along.low < along.scores).all()
    assert (along.scores < along.high).all()


def test_shares_sum_to_the_gain_of_the_laws(studied):
    problem, worlds, recommendation, mix = studied
    for aim in ("target", "code", "knowledge"):
        found = gain_shares(problem, worlds, aim, mix)
        before, after = problem.objective_of(problem.aims[aim]).value(np.stack([problem.reference, mix]))
        assert found.claimed.sum() == pytest.approx(before - after, abs=1e-12)
        assert found.shares.sum() == pytest.approx(before - after, abs=0.02)
        stated = recommendation.predicted[aim].gain
        assert gain_shares(problem, worlds, aim, mix, stated).shares.sum() == pytest.approx(stated)
        assert (found.low <= found.shares).all()
        assert (found.shares <= found.high).all()
    of_code = gain_shares(problem, worlds, "code", mix)
    assert of_code.shares.argmax() == DOMAINS.index("code")


def test_nothing_is_gained_by_a_mix_that_is_natural(studied):
    problem, worlds, _, _ = studied
    assert gain_shares(problem, worlds, "target", problem.reference).shares == pytest.approx(np.zeros(3))


def test_held_out_predictions_err_as_the_fits_say(studied):
    problem, _, _, _ = studied
    scored = held_out(problem, "humaneval")
    assert scored.predicted - scored.observed == pytest.approx(problem.fitted.local_fits["humaneval"].held_out)
    assert scored.rank_correlation > 0.9
    assert scored.error < 0.03  # planted noise is 0.01
    rows = coverages(problem, "target", (0.5, 0.9))
    assert [row.nominal for row in rows] == [0.5, 0.9]
    assert 0.35 <= rows[0].of_all <= 0.65
    assert rows[1].of_all >= 0.8


def test_the_front_trades_one_family_for_the_other(studied):
    problem, _, recommendation, mix = studied
    assert most_opposed(problem) == ("code", "knowledge")
    front = front_between(problem, "code", "knowledge", points=5)
    code, knowledge = (np.array([point.scores[side] for point in front]) for side in (0, 1))
    assert len(front) >= 3
    stated = [recommendation.predicted[name] for name in ("code", "knowledge")]
    at = between(problem, mix, "code", "knowledge", (stated[0].optimism, stated[1].optimism))
    assert at.scores == pytest.approx(tuple(row.mix for row in stated))
    assert at.lows == pytest.approx(tuple(row.mix_low for row in stated))
    assert (np.diff(code) > 0).all()
    assert (np.diff(knowledge) < 0).all()


def test_more_can_be_gained_farther_from_natural(studied):
    problem, worlds, recommendation, mix = studied
    stated = recommendation.predicted["target"]
    *path, here = farther_from_anchor(problem, worlds, mix, stated)
    nats, gains = (np.array([getattr(step, name) for step in path]) for name in ("nats", "gain"))
    assert nats[0] < 1e-3
    assert (np.diff(nats) > -1e-9).all()
    assert (np.diff(gains) > -1e-3).all()
    assert all(step.low <= step.gain <= step.high for step in path)
    assert gains[0] == pytest.approx(0, abs=0.01)
    assert (here.gain, here.low, here.high) == pytest.approx((stated.gain, stated.gain_low, stated.gain_high))
    assert here.moved == pytest.approx(0.5 * np.abs(mix - problem.reference).sum())


def test_health_checks_of_a_clear_swarm_and_of_a_noisy_one(studied):
    problem, _, recommendation, mix = studied
    checks = {
        check.name: check
        for check in health_checks(
            problem, recommendation, mix, held_out(problem, "target"), coverages(problem, "target")
        )
    }
    assert checks["Effect"].status == "green"
    assert checks["Held-out rank"].status == "green"
    assert checks["Search for the best mix"].status == "green"
    assert checks["Noise floor"].status == "green"
    assert all(check.sentence.endswith(".") for check in checks.values())


def test_health_checks_of_a_swarm_without_signal():
    runs = swarm(signal=0.0, noise=0.05)
    holdings = Holdings(NATURAL, {name: share * 1e6 for name, share in NATURAL.items()})
    question = Question(runs, FAMILIES, holdings, RecommendSettings(replicates=20))
    fitted = fit_swarm(runs, "linear")
    worlds = imagined(fitted, 20, 0)
    recommendation = recommend(question, fitted, lambda _: worlds)
    problem = problem_of(question, fitted)
    mix = to_array(recommendation.mix, DOMAINS, "mix")
    scored, covered = held_out(problem, "target"), coverages(problem, "target")
    checks = {check.name: check for check in health_checks(problem, recommendation, mix, scored, covered)}
    assert checks["Effect"].status == "amber"
    assert checks["Held-out rank"].status == "red"
    assert checks["Signal to noise"].status == "red"


@pytest.mark.parametrize(
    ("inside", "count", "status", "words"),
    [
        (1.0, 42, "green", "cautious there"),  # 42 of 42 in 90 % intervals: 1 chance in 84
        (1.0, 3, "green", "about as often as it should be"),  # 3 of 3 happen
        (0.88, 42, "green", "about as often as it should be"),
        (0.75, 40, "amber", "too narrow"),
        (0.5, 40, "red", "too narrow"),
    ],
)
def test_calibration_says_what_its_share_means(inside, count, status, words):
    check = _coverage([Coverage(0.9, 0.9, inside, count)], 0.9)
    assert check.status == status
    assert words in check.sentence


def test_shares_between_tried_ones_are_named(studied):
    problem, _, _, mix = studied
    runs = problem.fitted.runs
    corners = Runs.from_arrays(
        [str(i) for i in range(len(DOMAINS))], [str(i) for i in range(len(DOMAINS))], runs.domains, runs.tasks,
        np.eye(len(DOMAINS)), np.zeros((len(runs.tasks), len(DOMAINS))),
    )  # fmt: skip
    sparse = replace(problem, fitted=replace(problem.fitted, runs=corners))
    assert "between tried shares of 0.0% and 100.0%" in _reach(sparse, mix).sentence
    corner = _reach(sparse, np.eye(len(DOMAINS))[0])
    assert corner.sentence == (
        "Every recommended weight lies between the smallest and the largest share that the swarm tried."
    )
