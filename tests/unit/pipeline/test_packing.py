"""Files are unpacked by what they hold, whatever their names end in; what cannot be is refused once, with its name."""

import bz2
import gzip
import io
import json
import lzma
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import zstandard
from support import ROOT
from warcs import PAGE, good, read

from pipeline.read.lines import lines
from pipeline.read.refused import Refused
from pipeline.read.sources import SourceSettings, find_shards

ROWS = [{"text": f"text {n} of many"} for n in range(2_000)]
LINES = [json.dumps(row).encode() + b"\n" for row in ROWS]
CONTENT = b"".join(LINES)
HALVES = (b"".join(LINES[:1_000]), b"".join(LINES[1_000:]))
RECORDS = [good(b"%d" % n) for n in range(50)]


def lz4(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "lz4") as stream:
        stream.write(content)
    return out.getvalue().to_pybytes()


def skipped(content: bytes, number: int = 0) -> bytes:
    return struct.pack("<II", 0x184D2A50 + number, len(content)) + content


def with_dictionary(parts: list[bytes], packed: bool) -> bytes:
    """As WARC's draft for Zstandard has it: a first frame that decoders skip holds the dictionary."""
    dictionary = zstandard.ZstdCompressionDict(CONTENT[:5_000] + RECORDS[0])
    packer = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True)
    held = dictionary.as_bytes()
    frame = skipped(zstandard.compress(held) if packed else held, 13)
    return frame + b"".join(packer.compress(part) for part in parts)


PACKINGS = {
    "plain": lambda parts: b"".join(parts),
    "gzip": lambda parts: b"".join(map(gzip.compress, parts)),
    "gzip, padded": lambda parts: b"".join(map(gzip.compress, parts)) + bytes(5_000),
    "zstd": lambda parts: b"".join(map(zstandard.compress, parts)),
    "zstd with frames to skip": lambda parts: (
        skipped(b"x" * 100) + skipped(b"", 15).join(map(zstandard.compress, parts))
    ),
    "zstd with a dictionary": lambda parts: with_dictionary(parts, packed=False),
    "zstd with a packed dictionary": lambda parts: with_dictionary(parts, packed=True),
    "bzip2": lambda parts: b"".join(map(bz2.compress, parts)),
    "xz": lambda parts: b"".join(map(lzma.compress, parts)),
    "xz, padded": lambda parts: b"".join(map(lzma.compress, parts)) + bytes(8),
    "lzma": lambda parts: lzma.compress(b"".join(parts), lzma.FORMAT_ALONE),
    "lz4": lambda parts: b"".join(map(lz4, parts)),
}


@pytest.mark.parametrize("name", ["a.jsonl", "a.JSONL.GZ", "a.zst", "a.bz2"])
@pytest.mark.parametrize("packing", PACKINGS)
def test_rows_however_they_are_packed_and_named(tmp_path, packing, name):
    (tmp_path / name).write_bytes(PACKINGS[packing](HALVES))
    documents, refused = read(tmp_path / name, "jsonl")
    assert [document.text for document in documents] == [row["text"] for row in ROWS]
    assert not refused


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
@pytest.mark.parametrize("packing", PACKINGS)
def test_warc_records_however_they_are_packed_and_named(tmp_path, packing, name):
    (tmp_path / name).write_bytes(PACKINGS[packing](RECORDS))
    documents, refused = read(tmp_path / name, "warc")
    assert [document.metadata["raw"] for document in documents] == [PAGE % b"%d" % n for n in range(50)]
    assert not refused


@pytest.mark.parametrize("packing", ["gzip", "zstd", "zstd with a dictionary", "bzip2", "xz", "lz4"])
def test_cut_and_damaged_ones(tmp_path, packing):
    path, whole = tmp_path / "a.jsonl", PACKINGS[packing](HALVES)
    middle = len(whole) // 2
    for content, reasons in (
        (whole[:-3], {"truncated"}),
        (whole[: len(whole) * 3 // 4], {"truncated"}),
        (whole[:middle] + bytes(64) + whole[middle + 64 :], {"damaged compression", "truncated"}),
    ):
        path.write_bytes(content)
        documents, refused = read(path, "jsonl")
        assert len(documents) <= len(ROWS)  # the checksum may be all that is gone
        assert [row.fatal for row in refused] == [True]
        assert {row.reason for row in refused} <= reasons


def archive(kind: str) -> bytes:
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.jsonl", CONTENT)
    else:
        with tarfile.open(fileobj=content, mode="w") as file:
            entry = tarfile.TarInfo("a.jsonl")
            entry.size = len(CONTENT)
            file.addfile(entry, io.BytesIO(CONTENT))
    return content.getvalue()


def table(kind: str) -> bytes:
    content = io.BytesIO()
    frame = pl.DataFrame(ROWS)
    frame.write_parquet(content) if kind == "parquet" else frame.write_ipc(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive("zip"), "packed as zip, which is not read: repack it with gzip or zstd"),
        (archive("tar"), "packed as tar, which is not read: repack it with gzip or zstd"),
        (gzip.compress(archive("tar"), mtime=0), "packed as tar, not lines of text"),
        (gzip.compress(gzip.compress(CONTENT, mtime=0), mtime=0), "packed as gzip, not lines of text"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(90), "packed as 7-Zip, which is not read: repack it with gzip or zstd"),
        (b"\xff\x06\0\0sNaPpY" + bytes(90), "packed as snappy, which is not read: repack it with gzip or zstd"),
        (b"\x1f\x9d\x90" + bytes(90), "packed as compress (.Z), which is not read: repack it with gzip or zstd"),
        (table("parquet"), "a Parquet file, not lines of text"),
        (zstandard.compress(table("arrow")), "an Arrow file, not lines of text"),
        (b"\n<!DOCTYPE html><title>Not found</title>", "an HTML or XML page, not lines of text"),
        (good(b"1"), "a WARC file, not lines of text"),
        (bytes(range(256)) * 90, "not JSON lines"),
        (bytes(5_000), "binary, not lines of text"),
        (b"[\n" + b",\n".join(line.strip() for line in LINES[:50]) + b"\n]", "a JSON array, not JSON lines"),
        (json.dumps(ROWS).encode(), "a JSON array, not JSON lines"),
        (json.dumps(ROWS, indent=1).encode(), "a JSON array, not JSON lines"),
        (json.dumps(ROWS[0], indent=1).encode(), "not JSON lines"),
        (b"text\nof lines\n", "not JSON lines"),
    ],
)  # fmt: skip
def test_what_is_no_lines_of_json_is_refused_once(tmp_path, content, reason):
    (tmp_path / "a.jsonl").write_bytes(content)
    documents, refused = read(tmp_path / "a.jsonl", "jsonl")
    assert not documents
    assert [(row.reason, row.fatal) for row in refused] == [(reason, True)]


@pytest.mark.parametrize("packing", ["gzip", "zstd", "bzip2", "xz", "lz4"])
def test_parquet_is_not_packed_again(tmp_path, packing):
    (tmp_path / "a.parquet").write_bytes(PACKINGS[packing]([table("parquet")]))
    documents, refused = read(tmp_path / "a.parquet", "parquet")
    assert not documents
    assert [(row.reason, row.fatal) for row in refused] == [
        (f"packed as {packing}: unpack it, since Parquet packs its own columns", True)
    ]


@pytest.mark.parametrize("packing", ["gzip", "zstd", "bzip2", "xz", "lz4"])
def test_a_bomb_costs_no_more_than_its_bound(tmp_path, packing):
    """A line of 96 MB, a thousandth of that or less in the file, before a sound one."""
    zeros = b"a" * (96 << 20) + b"\n"
    (tmp_path / "a.jsonl").write_bytes(PACKINGS[packing]([zeros, LINES[0]]))
    program = f"""
import resource
from pipeline.read.jsonl import read_jsonl
from pipeline.read.sources import Shard
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shard = Shard(source="x", url={str(tmp_path / "a.jsonl")!r}, format="jsonl")
print([getattr(found, "reason", "text") for found in read_jsonl(shard, 1 << 20)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    found, kilobytes = done.stdout.splitlines()
    assert found == "['larger than 1 MB', 'text']"
    assert int(kilobytes) < 60_000


def test_lines_of_a_file_however_it_is_packed(tmp_path):
    text = b"".join(b"%d " % n * (n % 9_000) + b"\n" for n in range(0, 40_000, 800))
    for packing, pack in PACKINGS.items():
        (tmp_path / "a").write_bytes(pack([text[:50_000], text[50_000:]]))
        assert list(lines(tmp_path / "a")) == text.splitlines(), packing
    (tmp_path / "a.gz").write_bytes(gzip.compress(text, mtime=0)[:-20])
    with pytest.raises(Refused, match="truncated"):
        list(lines(tmp_path / "a.gz"))


@pytest.mark.parametrize("name", ["a.paths", "A.PATHS.GZ", "a.paths.xz"])
@pytest.mark.parametrize("packing", ["plain", "gzip", "xz", "lz4"])
def test_lists_of_shards_however_they_are_packed(tmp_path, packing, name):
    (tmp_path / name).write_bytes(PACKINGS[packing]([b"\xef\xbb\xbfone.jsonl\r\n", b"two.jsonl\n"]))
    source = SourceSettings(path=name, format="jsonl", prefix=".")
    assert [Path(shard.url).name for shard in find_shards({"x": source}, tmp_path)] == ["one.jsonl", "two.jsonl"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(CONTENT[:9_000])).compress(CONTENT),
            "damaged compression",
        ),
        (
            zstandard.ZstdCompressor(
                compression_params=zstandard.ZstdCompressionParameters(window_log=28, write_content_size=False)
            )
            .compressobj()
            .compress(CONTENT * 20_000),
            "packed with a window of more than 128 MB",
        ),
    ],
    ids=["dictionary", "window"],
)
def test_what_zstd_cannot_unpack_here(tmp_path, content, reason):
    (tmp_path / "a.jsonl.zst").write_bytes(content)
    assert [(row.reason, row.fatal) for row in read(tmp_path / "a.jsonl.zst", "jsonl")[1]] == [(reason, True)]
