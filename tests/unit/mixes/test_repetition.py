"""Matched repetition: a weight means as many epochs in a proxy as in the training run, and nothing else changes."""

import dataclasses
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.proxy.repetition import match_repetition
from mixes.proxy.settings import ProxySettings
from mixes.proxy.tokens import Batches, DomainTokens, Member
from mixes.reuse.identity import Origin
from mixes.reuse.plan import ReusePlan, draw_reusing_swarm
from mixes.swarm import Candidate, SwarmSettings, draw_swarm
from pipeline.train.setup import Evidence, check_epochs

PROXY = ProxySettings(size="100k", tokens=640 * 64 + 100, context=64, batch=8)  # 80 whole steps, and a rest
BUDGET = 6 * 640 * 64
KEPT = {"large": 2_340, "middle": 260, "scarce": 50}  # sequences, when matched
HELD = {name: 6 * 64 * sequences for name, sequences in KEPT.items()}  # tokens of the pool, and all there are
MIXES = (
    {"large": 0.9, "middle": 0.08, "scarce": 0.02},
    {"large": 0.2, "middle": 0.5, "scarce": 0.3},  # 1.2 and 3.8 epochs
    {"large": 0.0, "middle": 1.0, "scarce": 0.0},
    {"large": 0.123456, "middle": 0.321, "scarce": 0.555544},  # 7.1 epochs of the scarce one
)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Token files in which every sequence begins with its own number."""
    folder = tmp_path_factory.mktemp("tokens")
    for name, tokens in HELD.items():
        content = np.zeros(tokens, dtype=np.uint16)
        content[:: PROXY.context] = np.arange(tokens // PROXY.context)
        content.tofile(folder / f"{name}.bin")
    return {name: folder / f"{name}.bin" for name in HELD}


def batches(files: dict[str, Path], kept: dict[str, int], *members: Member) -> Batches:
    domains = {name: DomainTokens(name, [file], PROXY.context, kept.get(name)) for name, file in files.items()}
    return Batches(members, domains, PROXY.steps, PROXY.batch, 1 << 16)


def reads(files: dict[str, Path], kept: dict[str, int], weights: dict[str, float], seed: int = 0) -> dict:
    """Domain → numbers of the sequences in a proxy's actual batches, in the order of reading."""
    made = batches(files, kept, Member(weights, seed))
    numbers = np.concatenate([rows[0] for rows in made.from_step(0)])[:, 0]
    return {domain.name: numbers[made.turns[0] == d].tolist() for d, domain in enumerate(made.domains)}


@pytest.mark.parametrize("weights", MIXES, ids=str)
def test_a_weight_means_as_many_epochs_as_in_the_training_run(files, weights):
    kept, short = match_repetition(HELD, HELD, BUDGET, PROXY)
    assert (kept, short) == (KEPT, [])
    for domain, numbers in reads(files, kept, weights).items():
        counts = np.unique(numbers, return_counts=True)[1]
        epochs = weights[domain] * BUDGET / HELD[domain]
        assert abs(counts.sum() - epochs * kept[domain]) < 1
        assert len(counts) == min(kept[domain], len(numbers))  # no sequence beside those kept
        assert counts.max() - counts.min() <= 1  # each read as often as any other


def test_proxies_of_a_seed_share_a_part_and_other_seeds_have_others(files):
    one, other = reads(files, KEPT, MIXES[1])["scarce"], reads(files, KEPT, MIXES[3])["scarce"]
    assert one == other[: len(one)]
    assert len(one) < len(other)
    epochs = [other[start : start + 50] for start in range(0, 350, 50)]
    assert len({frozenset(epoch) for epoch in epochs}) == 1
    assert len({tuple(epoch) for epoch in epochs}) == 7
    assert epochs[0] == reads(files, {}, MIXES[3])["scarce"][:50]  # the beginning of what it reads anyway
    elsewhere = set(reads(files, KEPT, MIXES[3], seed=1)["scarce"])
    assert len(elsewhere) == 50
    assert len(elsewhere & set(one)) < 25  # of 300, so 8 by chance


def test_a_resumed_cohort_reads_the_same(files):
    made = batches(files, KEPT, Member(MIXES[1], 0), Member(MIXES[3], 0), Member(MIXES[3], 2))
    whole = list(made.from_step(0))
    for step in (1, 41, 79):
        np.testing.assert_array_equal(np.stack(list(made.from_step(step))), np.stack(whole[step:]))


def test_without_it_batches_are_those_of_before(tmp_path):
    """Numbers taken before a domain could be limited."""
    rng, domains = np.random.default_rng(7), {}
    for name, tokens in (("a", 4_001), ("b", 900), ("c", 130)):
        rng.integers(0, 300, size=tokens).astype(np.uint16).tofile(tmp_path / name)
        domains[name] = DomainTokens(name, [tmp_path / name], 16)
    members = [Member({"a": 0.5, "b": 0.3, "c": 0.2}, 0), Member({"b": 0.1, "c": 0.9}, 0), Member({"a": 1.0}, 5)]
    digest = hashlib.sha256(b"".join(rows.tobytes() for rows in Batches(members, domains, 40, 8, 300).from_step(0)))
    assert digest.hexdigest() == "08e92785b9e78e1547f848bb5ce659f912284c9a15b1597299d8e90404cbff5d"
    order = [1, 5, 0, 7, 4, 3, 6, 2, 6, 2, 5, 0, 3, 1, 7, 4, 7, 6, 3, 0]
    assert domains["c"].order(5).at(np.arange(20)).tolist() == order


def test_ids_are_those_of_before_and_change_with_what_is_kept():
    proxy = ProxySettings(size="100k", tokens=8192, context=64, batch=8)
    shared, candidate = Evidence(Path("pool-1"), Path("suite-1"), proxy), Candidate("m", {"a": 0.25, "b": 0.75}, 3)
    kept = [None, {"a": 5, "b": 6}, {"a": 5, "b": 7}, {"b": 6, "a": 5}]
    ids = [dataclasses.replace(shared, kept=one).run_id(candidate) for one in kept]
    assert ids[0] == "run-c9e34aefd3d1"  # taken before it could be set
    assert len(set(ids)) == 3
    assert ids[1] == ids[3]


def test_parts_are_whole_sequences():
    for tokens in (2 * 64, 2.49 * 64, 2.51 * 64):  # wanted of a domain
        kept, _ = match_repetition({"a": 6 * tokens}, {"a": 10_000}, BUDGET, PROXY)
        assert kept == {"a": round(tokens / 64)}


def test_a_part_below_one_sequence_says_what_to_change():
    held = {"large": 100_000, "tiny": 300}
    with pytest.raises(MixError, match=r"would keep 50 of the 300 tokens of domain 'tiny', less than one") as raised:
        match_repetition(held, held, BUDGET, PROXY)
    tokens, budget = (
        int(re.search(name + r"\D*(?:\([\d,]+\) to )?([\d,]+) or", str(raised.value))[1].replace(",", ""))
        for name in ("proxy.tokens", "recommend.budget")
    )
    longer = PROXY.model_copy(update={"tokens": tokens})
    assert match_repetition(held, held, BUDGET, longer)[0]["tiny"] == 1
    assert match_repetition(held, held, budget, PROXY)[0]["tiny"] == 1
    for proxy, less in ((longer.model_copy(update={"tokens": tokens - 1}), BUDGET), (PROXY, budget + 1)):
        with pytest.raises(MixError, match="less than one sequence"):
            match_repetition(held, held, less, proxy)


def test_what_the_pool_is_too_small_for_is_kept_whole_and_named(files):
    available = {**HELD, "scarce": 7 * HELD["scarce"]}  # the pool has a seventh of it, and would have to hold a sixth
    kept, short = match_repetition(available, HELD, BUDGET, PROXY)
    assert short == ["scarce"]
    assert kept == {**KEPT, "scarce": 6 * 50 - 1}  # the last token is only a target
    assert set(reads(files, kept, {"scarce": 1.0})["scarce"]) == set(range(299))
    nearly = {**HELD, "scarce": 6 * HELD["scarce"]}  # as much as the pool's, but for the last sequence's last target
    assert match_repetition(nearly, HELD, BUDGET, PROXY)[1] == ["scarce"]
    assert match_repetition({**nearly, "scarce": nearly["scarce"] - 1}, HELD, BUDGET, PROXY)[1] == []
    with pytest.raises(MixError, match="holds 299 sequences, of which 300 cannot be kept"):
        reads(files, {"scarce": 300}, {"scarce": 1.0})


def test_the_cap_is_on_the_training_runs_epochs():
    shared = dataclasses.replace(Evidence(Path("pool-1"), Path("suite-1"), PROXY), kept=KEPT)
    settings = SwarmSettings(mixes=12, max_epochs=1.5, match_repetition=True)
    drawn = draw_swarm(HELD, PROXY.tokens, settings, 0, shared.caps(settings.max_epochs))
    most = {d: max(c.weights[d] * BUDGET / HELD[d] for c in drawn if c.mix.startswith("mix-")) for d in HELD}
    assert 1.2 < max(most.values()) <= 1.5 + 1e-4
    free = draw_swarm(HELD, PROXY.tokens, settings, 0)
    assert max(c.weights["scarce"] * BUDGET / HELD["scarce"] for c in free) > 2
    natural = {domain: held / sum(HELD.values()) for domain, held in HELD.items()}
    assert dict(drawn[0].weights) == pytest.approx(natural, abs=1e-6)
    check_epochs(shared, drawn[:1], 0.25)
    with pytest.raises(
        MixError, match=r"'heavy' repeat domain 'scarce' 3\.8 times, the cap is 3 — train on less, lower recom"
    ):
        check_epochs(shared, [Candidate("heavy", MIXES[1], 0)], 3)
    check_epochs(shared, [Candidate("heavy", MIXES[1], 0)], 3.82)  # 3.84, within half a sequence of 50
    with pytest.raises(MixError, match=r"lower swarm.min_distance \(0\.05\), or recommend\.budget"):
        draw_swarm(HELD, PROXY.tokens, settings, 0, shared.caps(0.2))


def test_a_reusing_swarm_keeps_to_the_training_runs_epochs_too():
    shared = dataclasses.replace(Evidence(Path("pool-1"), Path("suite-1"), PROXY), kept=KEPT)
    origins = {name: Origin("same", (name,)) for name in ("large", "middle")} | {"scarce": Origin("new", ())}
    plan = ReusePlan({"large": 0.8, "middle": 0.2}, ("scarce",), origins, ())
    settings = SwarmSettings(mixes=6, max_epochs=2, min_distance=0.01, match_repetition=True)
    for caps, low, high in ((shared.caps(2), 1, 2.001), (None, 2.1, 12.9)):
        drawn = draw_reusing_swarm(HELD, PROXY.tokens, settings, 0, plan, caps)
        epochs = [c.weights["scarce"] * BUDGET / HELD["scarce"] for c in drawn if c.mix.startswith("mix-")]
        assert low < max(epochs) <= high
