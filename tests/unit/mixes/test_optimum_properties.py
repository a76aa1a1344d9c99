"""What must hold for any objective and limits, by hypothesis."""

from dataclasses import replace

import numpy as np
import planted
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import clarabel

from mixes.laws.registry import LAWS
from mixes.optimum.best import best_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.exact import OPTIMAL
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part

problems = given(
    domains=st.integers(2, 20),
    tasks=st.integers(1, 5),
    seed=st.integers(0, 10**6),
    pull=st.sampled_from([0.0, 1e-4, 0.1]),
    kl=st.sampled_from([None, 0.01, 0.3]),
    forms=st.sets(st.sampled_from(planted.FORMS), min_size=1),
)
quick = settings(max_examples=40, deadline=None, derandomize=True)


@quick
@problems
def test_an_optimum_is_found_within_its_limits_and_never_worse_than_clarabels(domains, tasks, seed, pull, kl, forms):
    aim = planted.objective(domains, tasks, seed, pull, tuple(sorted(forms)))
    within = planted.limits(aim.anchor, kl)
    found, oracle = best_mix(aim, within), clarabel(aim, within)
    assert within.met(found.mix[None])[0]
    assert abs(found.mix.sum() - 1) < 1e-12
    assert found.gap <= OPTIMAL * found.range
    if oracle is not None:
        assert found.value <= aim.value(oracle[None])[0] + found.gap + 1e-8 * found.range


@quick
@problems
def test_permuted_domains_have_the_permuted_optimum(domains, tasks, seed, pull, kl, forms):  # forms: linear
    """Linear laws, whose parameters are in the order of the domains, bent by pull and KL."""
    aim = planted.objective(domains, tasks, seed, pull, ("linear",))
    order = np.random.default_rng(seed).permutation(domains)
    parts = tuple(replace(part, parameters=part.parameters[:, order]) for part in aim.parts)
    other = Objective(parts, aim.anchor[order], pull)
    within = planted.limits(aim.anchor, kl)
    ceilings = tuple(replace(one, objective=Objective((), one.objective.anchor[order], 1.0)) for one in within.ceilings)
    renamed = Limits(tuple(np.array(within.domains)[order]), within.bounds, ceilings)
    np.testing.assert_allclose(best_mix(other, renamed).mix, best_mix(aim, within).mix[order], atol=1e-6)


@quick
@given(
    domains=st.integers(3, 12),
    seed=st.integers(0, 10**6),
    floor=st.floats(0, 0.05),
    form=st.sampled_from(planted.FORMS),
)
def test_a_domain_that_helps_no_task_gets_its_floor(domains, seed, floor, form):
    """Its factor in a transfer law is as good as zero, its slope in all others is the worst."""
    aim = planted.objective(domains, 3, seed, forms=(form,))
    if form == "transfer":
        aim.parts[0].parameters[:, 4] = -60.0  # ln k of the first domain
    harm = np.zeros((1, domains))
    harm[0, 0] = 50.0
    parts = (*aim.parts, Part(LAWS["linear"], harm, np.ones(1)))
    names = planted.names_of(domains)
    found = best_mix(Objective(parts, aim.anchor), Limits(names, (Bound("floor", names[:1], low=floor),)))
    assert found.mix[0] == pytest.approx(floor, abs=1e-11)


@quick
@problems
def test_units_do_not_move_the_optimum(domains, tasks, seed, pull, kl, forms):
    aim = planted.objective(domains, tasks, seed, pull, tuple(sorted(forms)))
    within = planted.limits(aim.anchor, kl)
    parts = tuple(replace(part, values=1000 * part.values) for part in aim.parts)
    other = best_mix(Objective(parts, aim.anchor, 1000 * pull), within)
    np.testing.assert_allclose(other.mix, best_mix(aim, within).mix, atol=1e-5)
