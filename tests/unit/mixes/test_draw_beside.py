"""A small swarm beside earlier runs: how many mixes, which of the earlier ones again, and what these are good for."""

from dataclasses import replace

import numpy as np
import pytest

from mixes.certainty.fitted import fit_swarm
from mixes.reuse.beside import APART, draw_beside, number_seeds
from mixes.runs import Run, Runs
from mixes.swarm import Candidate, SwarmSettings, draw_swarm

TOKENS = {"books": 3e9, "code": 2e9, "law": 1e9, "web": 5e9}
SLOPES = {"books": 2.0, "code": 3.0, "law": 2.4, "web": 2.5}
LEVEL = 0.3  # bpb by which the earlier runs all lie higher


def earlier(pool: int = 1, without: str = "law", seeds: int = 3) -> list[Candidate]:
    """The runs of a swarm over the other domains."""
    old = {name: tokens for name, tokens in TOKENS.items() if name != without}
    settings = SwarmSettings(mixes=12, seeds=max(2, seeds), replicated=2)
    return [
        Candidate(
            f"earlier {one.mix}", {**one.weights, without: 0.0}, pool * APART + one.seed, 0, f"old-{pool}-{i:02d}"
        )
        for i, one in enumerate(draw_swarm(old, 10**6, settings, seed=pool))
        if one.seed < seeds
    ]


def drawn(runs: list[Candidate], **settings) -> list[Candidate]:
    return draw_beside(TOKENS, 10**6, SwarmSettings(**settings), 0, runs)


def test_one_new_domain_needs_few_new_mixes():
    runs = earlier()
    swarm = drawn(runs)
    new = [one for one in swarm if one.run is None]
    assert [one.mix for one in new[:2]] == ["natural", "uniform"]
    assert len(new) == 2 + 3 * 2 + 3  # mixes_a_domain of the new domain and of all others; three links
    assert [one.run for one in swarm[len(new) :]] == [one.run for one in runs]
    assert {one.seed for one in new} == {0}
    assert len([one for one in drawn(runs, mixes=20) if one.run is None]) == 2 + 20 + 3


def test_new_mixes_differ_from_earlier_ones():
    runs = earlier(without="")  # no domain is new
    runs = [replace(one, weights={name: weight for name, weight in one.weights.items() if name}) for one in runs]
    swarm = drawn(runs)
    mixes = {one.mix: np.array(list(one.weights.values())) for one in swarm}
    for one in swarm:
        if one.run is None and one.mix.startswith("mix-"):
            far = [0.5 * np.abs(mixes[one.mix] - mix).sum() for name, mix in mixes.items() if name != one.mix]
            assert min(far) >= 0.05


def test_new_mixes_read_the_new_domain_more_than_chance_would_have_it():
    plain = draw_swarm(TOKENS, 10**6, SwarmSettings(mixes=60), 0)
    usual = np.mean([one.weights["law"] for one in plain if one.mix.startswith("mix-")])
    new = [one for one in drawn(earlier()) if one.run is None and one.mix.startswith("mix-")]
    assert [one.mix for one in new] == [f"mix-{number:03d}" for number in range(1, 7)]
    assert np.mean([one.weights["law"] for one in new]) > usual


def test_tight_caps_leave_room_for_no_choice():
    """Eight times as many different mixes do not fit within them."""
    caps = {name: 0.32 for name in TOKENS}
    runs = [replace(one, weights={**dict.fromkeys(TOKENS, 0.25)}) for one in earlier()[:1]]
    swarm = draw_beside(TOKENS, 10**6, SwarmSettings(min_distance=0.08, mixes=4), 0, runs, caps)
    assert len([one for one in swarm if one.mix.startswith("mix-") and one.seed == 0]) == 4


def test_links_are_the_earlier_mixes_with_most_seeds():
    links = [one for one in drawn(earlier()) if one.run is None][-3:]
    assert {one.mix for one in links} == {"earlier natural", "earlier uniform", "earlier mix-001"}
    assert all(one.weights["law"] == 0 and one.round == 1 for one in links)


def test_runs_over_the_same_pool_need_no_link():
    same = [replace(one, seed=one.seed % APART) for one in earlier()]
    assert not [one for one in drawn(same) if one.run is None and one.mix.startswith("earlier")]


def test_a_pool_that_is_linked_to_a_linked_one_is_linked():
    first = earlier()
    again = [replace(one, seed=2 * APART, run=f"again-{one.run}") for one in first[:3]]
    links = [one for one in drawn([*first, *again]) if one.run is None and one.mix.startswith("earlier")]
    assert len(links) == 3
    unlinked = [replace(one, mix=f"earlier other {one.mix}") for one in earlier(2, "code")]
    links = [one for one in drawn([*first, *unlinked]) if one.run is None and one.mix.startswith("earlier")]
    assert len(links) == 6


def test_an_earlier_mix_that_is_drawn_again_bears_its_name():
    natural = drawn([])[0]
    old = Candidate("earlier-001", natural.weights, APART, 0, "old")
    assert drawn([old])[-1].mix == "natural"


def test_without_earlier_replicates_the_new_swarm_has_its_own():
    assert {one.seed for one in drawn(earlier(seeds=1)) if one.run is None} == {0, 1, 2}


def test_seeds_of_other_pools_are_other_seeds():
    assert number_seeds(["pool-b", "pool-a", "pool-c"], "pool-b") == {"pool-b": 0, "pool-a": APART, "pool-c": 2 * APART}


@pytest.mark.parametrize("levelled", [True, False])
def test_another_level_is_not_what_the_new_domain_does(levelled):
    """All earlier runs lie higher, and none of them read the new domain."""
    rng = np.random.default_rng(0)
    swarm = drawn(earlier())
    runs, seeds = [], {}
    for number, one in enumerate(swarm):
        score = sum(SLOPES[name] * weight for name, weight in one.weights.items()) + LEVEL * (one.run is not None)
        name = one.run or f"new-{number:02d}"
        runs.append(Run(name, one.mix, one.weights, {"sciq": score + 0.005 * rng.standard_normal()}))
        seeds[name] = one.seed
    fitted = fit_swarm(Runs(runs), "linear", seeds=seeds if levelled else {})
    law = fitted.laws["sciq"]
    alone = {name: np.eye(4)[i] for i, name in enumerate(law.domains)}
    slopes = {name: float(law.kind.predict(law.parameters, mix[None])[0]) for name, mix in alone.items()}
    of_law = slopes["law"] - slopes["web"]  # truth: −0.1
    if levelled:
        assert of_law == pytest.approx(SLOPES["law"] - SLOPES["web"], abs=0.03)
    else:
        assert of_law < SLOPES["law"] - SLOPES["web"] - 0.1
