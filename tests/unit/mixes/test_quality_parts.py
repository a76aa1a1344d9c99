"""Parts of a domain by quality: their names, what limits and mixes mean by the whole, and how a law ties them."""

import numpy as np
import pytest

from mixes.certainty.at_size import fit_at_size
from mixes.certainty.fitted import fit_swarm, fitted_from_arrays, fitted_to_arrays, keepable
from mixes.errors import MixError
from mixes.laws.registry import LAWS, law_named
from mixes.laws.scale import Sized
from mixes.optimum.from_settings import anchor_of, limits_of, matching
from mixes.optimum.settings import LimitSettings
from mixes.quality_parts import flattened, parts_of, spread, ties_of, whole_of
from mixes.runs import Runs, Size
from mixes.swarm import SwarmSettings, draw_swarm
from mixes.upsampling import bucket_rows

DOMAINS = ("code", "web/art@high", "web/art@low", "web/art@middle")
SHARES = np.array([0.4, 0.1, 0.2, 0.3])
RATES = np.array([1.0, -0.5, 0.5, 0.0])
CURVES = ("log_linear", "bimix", "transfer")


def test_names():
    assert [whole_of(name) for name in DOMAINS] == ["code", "web/art", "web/art", "web/art"]
    assert [whole_of(name) for name in ("a@b", "@low", "me@low.org", "x@middle")] == ["a@b", "@low", "me@low.org", "x"]
    assert parts_of("web/art", DOMAINS) == DOMAINS[1:]
    assert ties_of(DOMAINS) == (0, 3, 3, 3)
    assert ties_of(("w@high", "w@low")) == (1, 1)
    assert ties_of(("a", "b")) == ties_of(("a", "w@low")) == ()


def test_limits_on_the_whole_are_on_the_sum_and_epochs_on_each_part():
    assert matching("web/art", DOMAINS, "bounds") == matching("web/*", DOMAINS, "bounds") == DOMAINS[1:]
    assert matching("*art", DOMAINS, "bounds") == DOMAINS[1:]
    assert matching("web/art@low", DOMAINS, "bounds") == ("web/art@low",)
    assert matching("*@high", DOMAINS, "bounds") == ("web/art@high",)
    with pytest.raises(MixError, match="no domain matches 'web'"):
        matching("web", DOMAINS, "bounds")
    settings = LimitSettings(bounds={"web/art": (0.1, 0.5)}, epochs={"web/art": 2})
    limits = limits_of(settings, DOMAINS, SHARES, {}, dict.fromkeys(DOMAINS, 100.0), 1000.0, 100.0)
    highs = {bound.domains: bound.high for bound in limits.bounds}
    assert highs == {DOMAINS[1:]: 0.5, **{(name,): 0.2 for name in DOMAINS[1:]}}


def test_a_mix_that_names_the_whole_takes_parts_as_they_are():
    natural = dict(zip(DOMAINS, SHARES.tolist(), strict=True))
    assert spread({"code": 0.7, "web/art": 0.3}, DOMAINS, natural) == pytest.approx(
        {"code": 0.7, "web/art@high": 0.05, "web/art@low": 0.1, "web/art@middle": 0.15}
    )
    assert spread({"web/art": 0.3}, DOMAINS, {}) == pytest.approx(dict.fromkeys(DOMAINS[1:], 0.1))
    assert spread({"other": 1.0}, DOMAINS, natural) == {"other": 1.0}
    anchor = anchor_of(LimitSettings(near={"code": 0.7, "web/art": 0.3}), DOMAINS, SHARES)
    np.testing.assert_allclose(anchor, [0.7, 0.05, 0.1, 0.15])


def test_a_swarm_gives_a_whole_domain_what_it_would_give_it_uncut():
    whole = flattened(np.array([0.4, 0.6]), ("code", "web/art"), 0.5)
    cut = flattened(SHARES, DOMAINS, 0.5)
    np.testing.assert_allclose([cut[0], cut[1:].sum()], whole)
    np.testing.assert_allclose(cut[1:] / cut[1:].sum(), SHARES[1:] / 0.6)
    tokens = dict(zip(DOMAINS, (SHARES * 1e8).tolist(), strict=True))
    drawn = draw_swarm(tokens, 1_000_000, SwarmSettings(mixes=400, min_distance=0.001), seed=0)
    mean = np.mean([[run.weights[name] for name in DOMAINS] for run in drawn if run.mix.startswith("mix-")], axis=0)
    np.testing.assert_allclose(mean, cut, atol=0.05)  # small weights become zero


def test_buckets_of_a_part_repeat_alike():
    rows = bucket_rows({"w@low": 0.2, "w@high": 0.8}, 100, {"w@low": [10, 30], "w@high": [0, 0, 40]}, None)
    assert [(row["domain"], row["bucket"], row["repeat"], row["taken"]) for row in rows] == [
        ("w@low", 0, 0.5, 5), ("w@low", 1, 0.5, 15), ("w@high", 2, 2, 80),
    ]  # fmt: skip


def test_domains_without_parts_have_the_same_laws():
    assert all(law_named(name, ("a", "b", "w@low")) is law for name, law in LAWS.items())
    tied = law_named("transfer", DOMAINS)
    assert tied is law_named("transfer", list(DOMAINS))
    assert tied is not LAWS["transfer"]
    assert law_named("linear", DOMAINS) is LAWS["linear"]


@pytest.mark.parametrize("name", CURVES)
def test_only_parts_are_tied_and_nothing_else_of_the_prior_changes(name):
    free, tied = LAWS[name].prior(4), law_named(name, DOMAINS).prior(4)
    changed = np.flatnonzero((free.level != tied.level) | (free.sd != tied.sd))
    blocks = {"log_linear": 1, "bimix": 1, "transfer": 3}[name]
    assert len(changed) == 2 * blocks  # high and low, about middle
    assert (tied.mean[changed] == 0).all()
    np.testing.assert_allclose(tied.sd[changed], free.sd[changed] / 3)
    assert (tied.index == free.index).all()


def test_laws_at_a_size_tie_them_too():
    """Two sizes, 12 mixes each: the law at the larger one."""
    rng, sizes = np.random.default_rng(0), (Size(1e6, 1e8), Size(4e6, 1e8))
    weights = np.tile(rng.dirichlet(np.ones(4), 12), (2, 1))
    names = [f"{size}/{mix:02d}" for size in "ab" for mix in range(12)]
    scores = (4 + weights @ RATES + rng.normal(scale=0.01, size=24))[None]
    runs = Runs.from_arrays(
        names, [name[2:] for name in names], DOMAINS, ["t"], weights, scores, [s for s in sizes for _ in range(12)]
    )
    kind = fit_at_size(runs, sizes[1], "transfer").laws["t"].kind
    assert isinstance(kind, Sized)
    assert kind.base is law_named("transfer", DOMAINS)


def test_tied_laws_are_kept_and_come_back_tied():
    rng = np.random.default_rng(0)
    weights, names = rng.dirichlet(np.ones(4), 12), [f"m{mix:02d}" for mix in range(12)]
    runs = Runs.from_arrays(names, names, DOMAINS, ["t"], weights, (4 + weights @ RATES)[None])
    fitted = fit_swarm(runs, "transfer", 0, {})
    assert keepable(fitted)
    again = fitted_from_arrays(fitted_to_arrays(fitted), runs, {})
    assert again.laws["t"].kind is fitted.laws["t"].kind is law_named("transfer", DOMAINS)


def fitted_factors(name: str, count: int, noise: float, better: float) -> tuple[np.ndarray, np.ndarray]:
    """ln k of high and of low less that of middle, by the free and by the tied law; for 12 draws of the noise."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(4, 0.7), count)
    truth = 1 + (0.2 + weights**0.5 @ np.array([1.0, better, 1 / better, 1.0])) ** -0.8
    scores = truth + noise * truth.std() * rng.normal(size=(12, count))
    apart = []
    for law in (LAWS[name], law_named(name, DOMAINS)):
        factors = law.fit(weights, scores, np.ones_like(scores))[:, 4:8]
        apart.append(factors[:, 1:3] - factors[:, 3:])
    return apart[0], apart[1]


def test_parts_stay_together_where_evidence_is_thin():
    free, tied = fitted_factors("transfer", 12, noise=1.5, better=1.0)
    assert np.abs(tied).mean() < 0.5 * np.abs(free).mean()


def test_parts_part_where_evidence_is_strong_and_in_the_order_that_it_shows():
    for better in (3.0, 1 / 3):  # high quality helps, or low does: nothing orders them beforehand
        free, tied = fitted_factors("transfer", 200, noise=0.02, better=better)
        np.testing.assert_allclose(tied.mean(axis=0), free.mean(axis=0), atol=0.25)
        assert (np.sign(tied) == np.sign([np.log(better), -np.log(better)])).all()
