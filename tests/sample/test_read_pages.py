"""Real shards with damage at random places: nothing hangs, nothing is read twice."""

import gzip
import json
import random

import pytest
from fastwarc.warc import ArchiveIterator
from warcs import read


@pytest.fixture(scope="module")
def small(tiny) -> bytes:
    """The first twelve pages of a real shard."""
    content = (tiny / "web" / "a.warc.gz").read_bytes()
    with (tiny / "web" / "a.warc.gz").open("rb") as file:
        starts = [found.stream_pos for found in ArchiveIterator(file)]
    return content[: starts[12]]


def test_behind_a_damaged_member_reading_goes_on(small, tmp_path):
    """Each member damaged in its middle, one after another: that page is lost and nothing else."""
    path = tmp_path / "a.warc.gz"
    path.write_bytes(small)
    whole, refused = read(path, "warc")
    assert len(whole) == 12
    assert not refused
    offsets = [at for at in range(len(small)) if small[at : at + 4] == b"\x1f\x8b\x08\x00"]
    assert len(offsets) == 12
    for number, (start, end) in enumerate(zip(offsets, [*offsets[1:], len(small)], strict=True)):
        middle = (start + end) // 2
        for damaged in (
            small[:middle] + bytes(32) + small[middle + 32 :],
            small[:middle] + small[middle + 100 :],
            small[:start] + bytes(32) + small[start + 32 :],
            small[:start] + bytes(end - start) + small[end:] + (b"" if number < 11 else b"\r\n"),
            small[: end - 6] + b"1234" + small[end - 2 :],  # the checksum alone
        ):
            path.write_bytes(damaged)
            documents, refused = read(path, "warc")
            assert [d.metadata["url"] for d in documents] == [
                d.metadata["url"] for d in whole if d is not whole[number]
            ]
            assert len(refused) == 1
            assert start <= refused[0].offset < end
            assert refused[0].fatal == (number == 11)


def test_zeros_behind_the_last_record_are_padding_and_before_another_damage(small, tmp_path):
    (tmp_path / "a.warc.gz").write_bytes(small + bytes(1 << 20))
    documents, refused = read(tmp_path / "a.warc.gz", "warc")
    assert len(documents) == 12
    assert not refused
    (tmp_path / "a.warc.gz").write_bytes(small + bytes((1 << 20) - len(small)) + small)
    documents, refused = read(tmp_path / "a.warc.gz", "warc")
    assert len(documents) == 24
    assert [(row.reason, row.fatal) for row in refused] == [("damaged compression", False)]


@pytest.mark.parametrize("packing", ["gz", "plain", "jsonl"])
def test_whatever_is_damaged_nothing_hangs_or_doubles(small, tmp_path, packing):
    rng = random.Random(7)
    rows = [{"id": str(n), "text": f"text {n} {rng.random()}"} for n in range(50)]
    content = {
        "gz": small,
        "plain": gzip.decompress(small),
        "jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in rows),
    }[packing]
    format = "jsonl" if packing == "jsonl" else "warc"
    path = tmp_path / {"gz": "a.warc.gz", "plain": "a.warc", "jsonl": "a.jsonl"}[packing]

    def keys() -> tuple[list, int]:
        documents, refused = read(path, format)
        assert len({document.id for document in documents}) == len(documents)
        return [(d.metadata["url"], d.metadata.get("raw"), d.text) for d in documents], len(refused)

    path.write_bytes(content)
    whole, _ = keys()
    for _ in range(200):
        damaged, at = bytearray(content), rng.randrange(len(content))
        if (how := rng.choice(["flip", "zero", "cut", "drop", "insert"])) == "flip":
            damaged[at] ^= 1 << rng.randrange(8)
        elif how == "zero":
            damaged[at : at + 64] = bytes(len(damaged[at : at + 64]))
        elif how == "cut":
            del damaged[at:]
        elif how == "drop":
            del damaged[at : at + rng.choice([1, 100, 20_000])]
        else:
            damaged[at:at] = rng.randbytes(rng.choice([1, 50, 3_000]))
        path.write_bytes(damaged)
        found, refused = keys()
        assert len(found) == len(set(found)) <= len(whole)
        assert len(set(found) - set(whole)) <= 1, (how, at)
        # A byte of a plain record's own headers, its URL for one, is covered by no length and no checksum.
        same = {key[1:] for key in found} == {key[1:] for key in whole}
        assert packing == "jsonl" or refused or same or how == "cut", (how, at)


@pytest.mark.parametrize(("folder", "format"), [("web", "warc"), ("code", "jsonl")])
def test_damaged_shards_give_what_can_be_read_and_one_reason(tiny, tmp_path, folder, format):
    whole = next(iter(sorted((tiny / folder).glob("*"))))
    content = whole.read_bytes()
    documents, refused = read(whole, format)
    assert len(documents) > 10
    assert not refused
    middle = len(content) // 2
    for name, damaged in {
        "cut": content[:middle],
        "overwritten": content[:middle] + bytes(64) + content[middle + 64 :],
        "other": b"not an archive at all\n" * 100,
    }.items():
        path = tmp_path / f"{name}{''.join(whole.suffixes)}"
        path.write_bytes(damaged)
        kept, refused = read(path, format)
        assert len(refused) == 1, (name, refused)
        assert len(kept) < len(documents)
        assert kept or name == "other" or folder == "code"  # a small zstd frame is one block
        assert refused[0].fatal == (format == "jsonl" or name != "overwritten")


def test_a_plain_warc_reads_as_the_gzipped_one(tiny, tmp_path):
    packed = tiny / "web" / "a.warc.gz"
    with gzip.open(packed) as file:
        (tmp_path / "a.warc").write_bytes(file.read())
    one, other = ([f.metadata["raw"] for f in read(path, "warc")[0]] for path in (packed, tmp_path / "a.warc"))
    assert one == other
    assert len(one) > 100
