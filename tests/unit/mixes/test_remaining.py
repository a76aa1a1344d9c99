"""The mix for the rest of a run brings the whole of it to the wanted one, or as near as can be."""

import pytest

from mixes.optimum.remaining import remaining_mix


def test_the_whole_run_comes_to_the_wanted_mix():
    wanted, seen = {"code": 0.5, "web": 0.3, "books": 0.2}, {"web": 25.0, "books": 5.0}
    rest = remaining_mix(wanted, 100, seen)
    assert sum(rest.values()) == pytest.approx(1)
    assert {name: seen.get(name, 0) + 70 * share for name, share in rest.items()} == pytest.approx(
        {"code": 50, "web": 30, "books": 20}
    )


def test_what_was_seen_too_often_is_not_taken_back():
    rest = remaining_mix({"code": 0.5, "web": 0.25, "books": 0.25}, 100, {"web": 40.0})
    assert rest["web"] == 0
    assert rest["code"] == pytest.approx(2 / 3)
    assert rest["books"] == pytest.approx(1 / 3)


def test_a_domain_that_is_gone_is_spent_and_a_run_that_has_ended_has_no_rest():
    assert remaining_mix({"code": 1.0}, 100, {"gone": 40.0}) == {"code": 1.0}
    assert remaining_mix({"code": 1.0}, 100, {"gone": 100.0}) is None
