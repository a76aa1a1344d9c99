"""Which documents a blend takes, over pools of any sizes: never too many, and all that their lengths allow."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.blend.choose import Index, choose_documents, cut_blend
from pipeline.blend.copies import UNUSED, Use, Uses, mixed, order_of, place_of
from pipeline.blend.rates import Bucket, repeats_of, tokens_to_reach
from pipeline.blend.rows import ROW


def made_index(folder: str, seed: int, documents: int, giants: int) -> tuple[Index, list[Bucket]]:
    """Documents of two domains, one with two buckets, in two files; some are as long as all others together."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(documents, ROW)
    rows["id"] = rng.integers(0, 2**63, documents, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    rows["tokens"] = np.maximum(1, rng.lognormal(5, 1.5, documents)).astype(np.uint32)
    rows["tokens"][:giants] = max(1, int(rows["tokens"][giants:].sum()))
    rows["bucket"] = np.arange(documents) % 3
    for rank, part in enumerate(np.array_split(rows, 2)):
        np.save(Path(folder) / f"{rank:05d}.npy", part)
    buckets = []
    for number, (domain, bucket) in enumerate((("a", 0), ("a", 1), ("b", 0))):
        own = rows["tokens"][rows["bucket"] == number]
        buckets.append(Bucket(domain, bucket, len(own), int(own.sum()), 0))
    return Index(Path(folder), 2, seed=3), buckets


def all_rows(index: Index) -> tuple[np.ndarray, np.ndarray]:
    parts = list(index.parts())
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([hashes for _, hashes in parts])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    documents=st.integers(9, 3_000),
    giants=st.integers(0, 2),
    asked=st.lists(st.tuples(st.floats(0.01, 2.5), st.floats(0, 1)), min_size=1, max_size=4),
)
def test_blends_that_go_on_from_each_other(seed, documents, giants, asked):
    with TemporaryDirectory() as folder:
        index, buckets = made_index(folder, seed, documents, giants)
        rows, hashes = all_rows(index)
        tokens, uses = rows["tokens"].astype(np.int64), [UNUSED] * 3
        for share_of_pool, weight in asked:
            total = share_of_pool * tokens.sum()
            reach = tokens_to_reach(buckets, {"a": weight, "b": 1 - weight}, total, None, [use.tokens for use in uses])
            later = choose_documents(index, buckets, reach, uses)
            before, after = (Uses(state).times(hashes, rows["bucket"]) for state in (uses, later))
            assert (after >= before).all()
            for number, use in enumerate(later):
                own = rows["bucket"] == number
                assert (after[own] * tokens[own]).sum() == use.tokens
                assert after[own].max() - after[own].min() <= 1
                assert after[own].max() <= max(
                    np.ceil(reach[number] / buckets[number].tokens - 1e-9), before[own].max()
                )
            for domain in ("a", "b"):
                places = [number for number, bucket in enumerate(buckets) if bucket.domain == domain]
                left = sum(reach[number] - later[number].tokens for number in places)
                assert left > -1
                if documents < 1_000:  # all of them are in the windows
                    most = np.ceil(np.array(reach) / [bucket.tokens for bucket in buckets] - 1e-6)
                    free = np.isin(rows["bucket"], places) & (after < most[rows["bucket"]])
                    assert not (tokens[free] <= left).any()
            uses = later


def test_even_and_curved_repeats_are_reached_over_all_blends():
    buckets = [Bucket("a", 0, 10, 1_000, 0), Bucket("a", 1, 10, 3_000, 0)]
    assert repeats_of(buckets, {"a": 1.0}, 2_000, None) == [0.5, 0.5]
    assert tokens_to_reach(buckets, {"a": 1.0}, 2_000, None, [0.0, 0.0]) == [500.0, 1_500.0]
    # An earlier blend used more of the first bucket than an even use would: the second one catches up.
    reach = tokens_to_reach(buckets, {"a": 1.0}, 1_000, None, [900.0, 100.0])
    assert reach == pytest.approx([900.0, 1_100.0])
    assert tokens_to_reach(buckets, {"b": 1.0}, 1_000, None, [900.0, 100.0]) == [900.0, 100.0]


def test_hashes_are_fixed():
    """A blend must be the same on every machine and in every year."""
    ids = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    assert [hex(value) for value in order_of(ids, 7)] == PINNED["order"]
    assert [hex(value) for value in place_of(ids, 7, 1)] == PINNED["place"]


PINNED = {
    "order": ["0xc2fb789fb3a734ad", "0x8683625b9e558283", "0xf1bb266d9ca923ff"],
    "place": ["0x2b7b50c224e90301", "0x66a1c2e1e83b8584", "0x893711d11c902e3c"],
}


def test_places_are_uniform_and_independent_of_the_order():
    ids = np.arange(200_000, dtype=np.uint64)
    order, place = (mixed(ids, 5, stream) / 2**64 for stream in (0, 1))
    for values in (order, place):
        assert np.abs(np.sort(values) - np.linspace(0, 1, len(ids))).max() < 1.95 / np.sqrt(len(ids))
    assert abs(np.corrcoef(order, place)[0, 1]) < 0.01
    first, second = (place_of(ids, 5, copy) / 2**64 for copy in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01


def test_piles_hold_equal_shares():
    with TemporaryDirectory() as folder:
        index, buckets = made_index(folder, 1, 30_000, 0)
        rows, _ = all_rows(index)
        uses = [Use(copies=2, tokens=2 * bucket.tokens) for bucket in buckets]
        cut = cut_blend(index, uses, [UNUSED] * 3, 11, 8)
        places = np.concatenate([place_of(rows["id"], 11, copy) for copy in (0, 1)])
        pile = np.searchsorted(np.array(cut.edges, dtype=np.uint64), places, side="right")
        sizes = np.bincount(pile, np.tile(rows["tokens"], 2), 8)
        assert np.abs(sizes / sizes.mean() - 1).max() < 0.01
        assert sum(cut.documents) == 60_000
        assert cut.singles == tuple(bucket.documents for bucket in buckets)
