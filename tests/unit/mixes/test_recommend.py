"""The recommendation is honest: on a planted swarm it finds the better mix, on one without signal it says so."""

import numpy as np
import pytest
from planted_swarm import DOMAINS, FAMILIES, NATURAL, ask, swarm

from mixes.errors import MixError
from mixes.optimum.best import Optimum
from mixes.optimum.holdings import Holdings
from mixes.recommendation import problem
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs


def test_a_planted_gain_is_found_and_called_better():
    found = ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, max_epochs=100.0, replicates=60)
    assert found.mix["code"] > 0.9
    assert found.verdict["code"] == found.verdict["target"] == "better"
    assert found.verdict["knowledge"] == "worse"
    truth = 1 - 0.1**0.5
    assert found.predicted["code"].gain == pytest.approx(truth, abs=0.1)


def test_caps_bind_and_are_named():
    found = ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, max_epochs=4.0)
    assert found.mix["code"] == pytest.approx(0.4, abs=1e-3)
    assert set(found.caps) == {"code"}
    assert found.epochs["code"] == pytest.approx(4.0, abs=0.01)


def test_noise_of_tasks_is_drawn_to_its_fellows():
    """A task whose four seeds happen to agree is not taken for one without noise."""
    runs = swarm(signal=1.0, noise=0.05)
    still = tuple(
        Run(run.id, run.mix, run.weights, {**run.scores, "sciq": 2.5} if run.mix == "natural" else run.scores)
        for run in runs.runs
    )
    found = ask(Runs(still))
    assert found.law["sciq"].noise > 0.01


def test_a_target_that_is_one_family_has_that_familys_noise():
    found = ask(swarm(signal=1.0, noise=0.05), target={"code": 2.0})
    assert found.predicted["target"] == found.predicted["code"]


def test_domains_that_differ_are_named():
    runs = swarm(signal=1.0, noise=0.01)
    with pytest.raises(MixError, match="natural mix: 'forum' is unknown"):
        recommend(Question(runs, FAMILIES, Holdings({**NATURAL, "forum": 0.1})))


def test_without_replicates_noise_is_what_the_laws_leave_unexplained():
    runs = Runs(tuple(run for run in swarm(1.0, 0.01).runs if run.id not in {"r01", "r02", "r03"}))
    found = ask(runs)
    assert found.noise_from == "residuals"
    assert found.predicted["target"].noise > 0


def test_without_natural_the_swarms_centre_is_compared_with_and_nothing_pulls_to_it():
    runs = swarm(signal=1.0, noise=0.01)
    settings = RecommendSettings(replicates=20, target={"code": 1.0}, pull=100.0)
    found = recommend(Question(runs, FAMILIES, settings=settings))
    assert found.reference == "centre"
    assert found.epochs == found.caps == {}
    np.testing.assert_allclose(list(found.natural.values()), runs.by_mix().weights().mean(axis=0))
    assert found.mix["code"] > 0.9


def test_bounds_and_kept_families_are_obeyed_and_priced():
    free = ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, max_epochs=100.0)
    limits = {"bounds": {"web": [0.2, None]}, "keep": {"knowledge": 0.1}}
    found = ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, max_epochs=100.0, limits=limits)
    assert free.mix["web"] < 0.1
    assert found.mix["web"] == pytest.approx(0.2, abs=1e-6)
    lost = found.predicted["knowledge"]
    assert lost.mix - lost.optimism - lost.natural == pytest.approx(0.1, abs=1e-4)  # by the laws themselves
    assert free.predicted["knowledge"].gain < -0.2
    assert {name.split(":")[0] for name, price in found.binding.items() if price > 0} == {"bounds", "keep"}


def test_the_closest_mix_brings_its_share_of_the_gain():
    free, close = (
        ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, max_epochs=100.0, pull=0.0, limits={"closest": share})
        for share in (None, 0.9)
    )
    gains = [p.natural - p.mix + p.optimism for p in (free.predicted["target"], close.predicted["target"])]
    assert gains[1] == pytest.approx(0.9 * gains[0], rel=1e-3)
    assert close.mix["code"] < free.mix["code"] - 0.05


def test_a_world_without_a_mix_that_is_close_enough_takes_its_best(monkeypatch):
    """One steep world does not end a recommendation; without `closest` a failure is still one."""
    asked = {"target": {"code": 1.0}, "max_epochs": 100.0, "pull": 0.0, "limits": {"closest": 0.9}}
    close = ask(swarm(signal=1.0, noise=0.01), **asked)
    calls, real = [], problem.closest_mix

    def steep(*args: object) -> Optimum:
        calls.append(args)
        if len(calls) > 1:  # the first is the mix itself, all others are worlds'
            raise MixError("no mix meets 'at least 90% of the gain'")
        return real(*args)

    monkeypatch.setattr(problem, "closest_mix", steep)
    steeper = ask(swarm(signal=1.0, noise=0.01), **asked)
    assert len(calls) > 20
    assert steeper.mix == close.mix
    assert steeper.intervals["code"] != close.intervals["code"]
    with monkeypatch.context() as patched:
        patched.setattr(problem, "best_mix", steep)
        with pytest.raises(MixError, match="no mix meets"):
            ask(swarm(signal=1.0, noise=0.01), **{**asked, "limits": {}})


def test_a_world_whose_best_mix_cannot_be_proven_is_searched(monkeypatch):
    asked = {"target": {"code": 1.0}, "max_epochs": 100.0}
    proven = ask(swarm(signal=1.0, noise=0.01), **asked)
    calls, real = [], problem.best_mix

    def failing(*args: object) -> Optimum:
        calls.append(args)
        if len(calls) > 1:
            raise MixError("its gap is nan")
        return real(*args)

    monkeypatch.setattr(problem, "best_mix", failing)
    searched = ask(swarm(signal=1.0, noise=0.01), **asked)
    assert searched.mix == proven.mix
    assert searched.intervals["code"] == pytest.approx(proven.intervals["code"], abs=0.05)


def test_standardised_tasks_count_alike_whatever_their_unit():
    """One task in thousandths: unstandardised nothing else counts, standardised it changes nothing."""
    runs = swarm(signal=1.0, noise=0.01)
    scaled = Runs(
        tuple(Run(run.id, run.mix, run.weights, {**run.scores, "sciq": 1000 * run.scores["sciq"]}) for run in runs.runs)
    )
    plain, thousandths = (ask(one, standardise="spread", max_epochs=100.0).mix for one in (runs, scaled))
    for domain in DOMAINS:
        assert plain[domain] == pytest.approx(thousandths[domain], abs=0.01)
    assert ask(scaled, max_epochs=100.0).mix["books"] > plain["books"] + 0.1


def test_the_unit_of_all_scores_and_their_order_do_not_move_the_mix():
    """The pull is stated in the target's noise, so it counts as much in thousandths and backwards as it did before."""
    runs = swarm(signal=1.0, noise=0.02)
    back = {domain: number for number, domain in enumerate(reversed(DOMAINS))}
    other = Runs(
        tuple(
            Run(
                run.id, run.mix, {domain: run.weights[domain] for domain in back},
                {task: 1000 * run.scores[task] for task in reversed(runs.tasks)},
            )
            for run in reversed(runs.runs)
        )
    )  # fmt: skip
    first, second = ask(runs, pull=2.0), ask(other, pull=2.0)
    for domain in DOMAINS:
        assert first.mix[domain] == pytest.approx(second.mix[domain], abs=1e-3)
    assert first.verdict == second.verdict


def test_more_of_a_domain_helps_the_family_that_it_helps():
    found = ask(swarm(signal=1.0, noise=0.01))
    assert found.marginal["code"]["code"] < 0 < found.marginal["code"]["knowledge"]
    assert found.marginal["books"]["knowledge"] < 0


def test_the_front_goes_from_one_familys_best_mix_to_the_others():
    found = ask(swarm(signal=1.0, noise=0.01), front=5, max_epochs=100.0, pull=0.0)
    codes = [one.predicted["code"] for one in found.front]
    assert codes == sorted(codes)
    assert len(codes) >= 4
    assert [one.predicted["knowledge"] for one in found.front] == sorted(
        (one.predicted["knowledge"] for one in found.front), reverse=True
    )


def test_a_robust_mix_is_closer_to_natural_where_the_evidence_is_thin():
    bold, careful = (ask(swarm(signal=0.1, noise=0.03), robust=robust, pull=0.0) for robust in (False, True))
    away = [sum(abs(one.mix[d] - NATURAL[d]) for d in DOMAINS) for one in (bold, careful)]
    assert away[1] < away[0]


def test_the_same_question_has_the_same_answer():
    first, second = (ask(swarm(signal=1.0, noise=0.01)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": {"books": 0.5, "code": 0.5, "web": 0.5}}, "sum to 1.5"),
        ({"weights": {"books": 0.5, "code": 0.5}}, "differ in domain 'web'"),
        ({"scores": {"humaneval": float("nan"), "mbpp": 1.0, "sciq": 1.0}}, "has the score nan on task 'humaneval'"),
        ({"scores": {"humaneval": 1.0, "mbpp": 1.0}}, "differ in task 'sciq'"),
        ({"id": "r05"}, "run 'r05' appears twice"),
    ],
)
def test_runs_that_contradict_each_other(change, said):
    runs = list(swarm(1.0, 0.01).runs)
    runs[10] = Run(**{**runs[10].__dict__, **change})
    with pytest.raises(MixError, match=said):
        Runs(tuple(runs))


def test_a_family_that_is_called_as_a_task():
    with pytest.raises(MixError, match="'code' names two things"):
        Question(swarm(1.0, 0.01), {**FAMILIES, "code": "code"})
