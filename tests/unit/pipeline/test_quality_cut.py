"""A scored domain is cut by quality along its token files, or stays whole."""

from pipeline.pool.parts import cut_by_quality, part_by_bucket
from pipeline.pool.pool import TRAIN, VALIDATION


def files_of(train: list[int], validation: int = 100, domain: str = "web") -> list[dict]:
    """Two files a bucket, as two ranks would leave them, and one of validation."""
    listed = [
        {"domain": domain, "bucket": bucket, "split": TRAIN, "tokens": tokens // 2}
        for bucket, tokens in enumerate(train)
        for _ in range(2)
    ]
    return listed + [
        {"domain": domain, "bucket": bucket, "split": VALIDATION, "tokens": validation} for bucket in range(len(train))
    ]


def test_parts_hold_about_equal_tokens_and_every_bucket_is_in_one():
    train = [10, 30, 20, 40, 50, 50, 60, 30, 10]
    placed = cut_by_quality(files_of(train), 3, least=64)
    assert list(placed) == list(range(9))
    held = {part: sum(train[bucket] for bucket in placed if placed[bucket] == part) for part in placed.values()}
    assert held == {"web@low": 100, "web@middle": 100, "web@high": 100}
    assert list(dict.fromkeys(placed.values())) == list(held)  # worst first
    assert set(cut_by_quality(files_of(train), 2, least=64).values()) == {"web@low", "web@high"}


def test_a_domain_stays_whole_where_a_part_would_be_too_small():
    assert cut_by_quality(files_of([60] * 9), 3, least=180) == {}  # training split
    assert cut_by_quality(files_of([600] * 9, validation=20), 3, least=64) == {}  # validation split
    assert cut_by_quality(files_of([0, 0, 9_000]), 3, least=64) == {}  # documents that score alike
    assert cut_by_quality(files_of([9_000]), 3, least=64) == {}


def test_documents_find_their_part_by_bucket():
    files = [{"domain": "web@low", "bucket": 0}, {"domain": "web@high", "bucket": 1}, {"domain": "code", "bucket": 0}]
    assert part_by_bucket(files) == {("web", 0): "web@low", ("web", 1): "web@high", ("code", 0): "code"}
