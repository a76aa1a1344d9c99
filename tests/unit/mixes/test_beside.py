"""What stands beside a recommendation: simple mixes, mixes of one's own, the worst, and what the caps cost."""

import numpy as np
import pytest
from planted_swarm import DOMAINS, NATURAL, ask, swarm

from mixes.errors import MixError
from mixes.laws.registry import LAWS
from mixes.optimum.bounds import Bound
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part
from mixes.optimum.worst import worst_mix
from mixes.show.beside import beside_table, beside_words

HALF = {"books": 0.5, "code": 0.3, "web": 0.2}


@pytest.fixture(scope="module")
def found():
    compare = {"half": HALF, "natural again": NATURAL}
    return ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, max_epochs=4.0, compare=compare, replicates=40)


def row(found, name, against="natural"):
    return next(one for one in found.beside if one.name == name and one.against == against)


def test_every_simple_mix_has_its_gain_and_the_recommendations(found):
    names = [one.name for one in found.beside if one.kind == "simple"]
    assert names == ["uniform", "natural^0.7", "natural^0.5", "natural^0.3"]
    uniform = row(found, "uniform")
    truth = (1 / 3) ** 0.5 - 0.1**0.5
    assert uniform.gain == pytest.approx(truth, abs=0.03)
    assert uniform.gain_low <= uniform.gain <= uniform.gain_high
    assert uniform.behind == pytest.approx(0.4**0.5 - (1 / 3) ** 0.5, abs=0.03)
    assert (uniform.verdict, uniform.allowed) == ("better", True)
    assert uniform.families["knowledge"] == pytest.approx((1 / 3) ** 0.5 - 0.2**0.5, abs=0.05)


def test_ones_own_mixes_are_scored_and_compared_with_each_other(found):
    assert row(found, "natural again").gain == pytest.approx(0, abs=1e-9)
    half, over = row(found, "half"), row(found, "natural again", against="half")
    assert half.mix == HALF
    assert over.gain == pytest.approx(-half.gain)
    assert over.gain_low <= over.gain <= over.gain_high < 0


def test_what_the_cap_costs_is_what_lifting_it_would_bring(found):
    free = row(found, "no caps")
    assert (free.kind, free.allowed) == ("uncapped", False)
    assert free.mix["code"] > 0.9
    assert -free.behind == pytest.approx(1 - 0.4**0.5, abs=0.1)
    assert free.gain == pytest.approx(found.predicted["target"].gain - free.behind)
    assert not [one for one in found.beside if one.kind == "one_cap"]  # only one cap binds
    mark, caps, worst = beside_words(found, "bpb")
    assert mark == "* breaks the limits."
    assert caps.startswith(f"The caps cost {-free.behind:.3f} bpb: without them the best mix would have code ")
    assert [line[0] for line in beside_table(found)][-1] == "no caps *"
    lead = row(found, "worst allowed")
    assert lead.behind == pytest.approx(found.predicted["target"].gain - lead.gain, abs=0.02)
    assert worst.startswith(f"The worst mix within the limits is predicted to be {lead.behind:.3f} bpb worse than ")


def test_the_worst_mix_is_a_corner_without_what_the_target_needs(found):
    worst = row(found, "worst allowed")
    assert worst.mix["code"] == pytest.approx(0, abs=1e-6)
    assert worst.gain < 0
    assert worst.verdict == "better"


def test_mixes_that_break_bounds_are_not_scored_against_floors():
    limits = {"keep": {"knowledge": 0.05}, "bounds": {"web": [0.1, 0.2]}}
    found = ask(swarm(signal=1.0, noise=0.01), target={"code": 1.0}, limits=limits)
    assert not row(found, "natural^0.7").allowed


def test_without_signal_the_best_cannot_be_told_from_the_worst():
    flat = ask(swarm(signal=0.0, noise=0.05), target={"code": 1.0}, replicates=40)
    assert row(flat, "worst allowed").verdict == "not_distinguishable"
    assert any("says nothing about the target" in line for line in beside_words(flat, "bpb"))


def test_the_worst_mix_obeys_groups_and_beats_every_corner():
    rng = np.random.default_rng(0)
    part = Part(LAWS["log_linear"], np.array([[0.0, 1.0, 0.0, *rng.normal(size=3)]]), np.ones(1))
    objective = Objective((part,), np.full(3, 1 / 3))
    limits = Limits(
        DOMAINS, (Bound("bounds: books + code", ("books", "code"), 0.3, 0.6), Bound("bounds: web", ("web",), 0.0, 0.5))
    )
    worst = worst_mix(objective, limits)
    assert limits.met(worst[None])[0]
    drawn = rng.dirichlet(np.ones(3), size=4000)
    assert objective.value(worst[None])[0] >= objective.value(drawn[limits.met(drawn)]).max() - 1e-9


@pytest.mark.parametrize(
    ("mix", "words"),
    [
        ({"books": 0.5, "code": 0.2, "web": 0.2}, "mix 'ours': shares sum to 0.9, not 1"),
        ({"books": -0.5, "code": 1.3, "web": 0.2}, "the share of 'books' is -0.5, below 0"),
        ({"book": 0.5, "code": 0.3, "web": 0.2}, "mix 'ours': no domain 'book' — did you mean 'books'"),
    ],
)
def test_a_mix_that_is_none(mix, words):
    with pytest.raises((MixError, ValueError), match=words):
        ask(swarm(signal=1.0, noise=0.01), compare={"ours": mix})
