"""What trainers are told of a recommendation: shares, parts, caps, what is left out."""

import pytest
from handed import MIX, recommended, write_pool

from flows.errors import ExperimentError
from flows.trainers.from_pool import handover_of, mix_handover
from mixes.upsampling import UpsamplingSettings
from pipeline.blend.rates import buckets_of, repeats_of


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write_pool(tmp_path_factory.mktemp("handed"))


def test_shares_are_those_of_tokens(pool):
    plan = handover_of(recommended(pool), 10_000)
    assert {part.domain: part.share for part in plan.parts} == {name: share for name, share in MIX.items() if share}
    assert sum(part.planned for part in plan.parts) == pytest.approx(10_000)
    assert dict(plan.left_out) == {"empty": "its weight is 0"}
    for part in plan.parts:
        assert part.held == pool.domains[part.domain].tokens == sum(file.tokens for file in part.files)
        assert part.epochs == pytest.approx(part.planned / part.held)


def test_documents_are_drawn_so_that_tokens_have_their_shares(pool):
    plan = handover_of(recommended(pool), 10_000)
    assert sum(plan.row_shares) == pytest.approx(1)
    tokens = [rows * part.held / part.documents for rows, part in zip(plan.row_shares, plan.parts, strict=True)]
    assert [count / sum(tokens) for count in tokens] == pytest.approx([part.share for part in plan.parts])
    assert plan.row_shares != pytest.approx([part.share for part in plan.parts], rel=0.2)


def test_upsampling_makes_a_part_of_each_bucket(pool):
    curve = UpsamplingSettings(discard=0.3, cap=5)
    plan = handover_of(recommended(pool, upsampling=curve), 30_000)
    buckets = buckets_of(pool)
    repeats = dict(zip(buckets, repeats_of(buckets, MIX, 30_000, curve), strict=True))
    web = [part for part in plan.parts if part.domain == "web/health"]
    assert [part.bucket for part in web] == [b.number for b in buckets if b.domain == "web/health" and repeats[b]]
    for part in web:
        bucket = next(b for b in buckets if (b.domain, b.number) == (part.domain, part.bucket))
        assert part.epochs == pytest.approx(repeats[bucket])
        assert {file.bucket for file in part.files} == {part.bucket}
    assert web[-1].epochs > 2 * web[0].epochs
    assert sum(part.share for part in web) == pytest.approx(0.3)
    assert "web/health/bucket 00" in plan.left_out
    assert [part.bucket for part in plan.parts if part.domain == "books"] == [None]


def test_more_tokens_than_the_caps_allow(pool):
    held = pool.domains["web/health"].tokens
    most = 4 * held / 0.3
    handover_of(recommended(pool), most)
    with pytest.raises(ExperimentError, match=r"of domain 'web/health', which may give .* within its cap: 3\d\d too"):
        handover_of(recommended(pool), most + 1_100)
    plan = handover_of(recommended(pool, budget=10 * most))
    assert plan.tokens == pytest.approx(most)
    assert f"within its caps the pool gives {most:,.0f} of its mix" in plan.notes[0]


def test_tokens_are_cut_to_whole_batches(pool):
    assert handover_of(recommended(pool), 10_000, 3_000).tokens == 9_000
    with pytest.raises(ExperimentError, match="is more than the 1,000 tokens"):
        handover_of(recommended(pool), 1_000, 3_000)


def test_a_tiny_weight_is_left_out_and_said(pool):
    mix = {"books": 0.5, "web/health": 0.5 - 1e-9, "code, old": 1e-9, "empty": 0.0}
    plan = handover_of(recommended(pool, mix), 5_000)
    assert plan.left_out["code, old"] == "its weight is below 1e-06"
    assert sum(part.share for part in plan.parts) == pytest.approx(1, abs=1e-15)
    assert len(mix_handover("run", pool, mix, 5_000, 4).parts) == 2
