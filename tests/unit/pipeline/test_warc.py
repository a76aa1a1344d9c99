"""WARC files: every kind of damage a row with its reason, and everything behind it read."""

import gzip
import subprocess
import sys
import zlib

import brotli
import pytest
import zstandard
from support import ROOT
from warcs import BAD, BR, CHUNKED, DEFLATE, GZIP, PAGE, WHOLE, chunked, good, http, read, record

NO_DIGEST = b"sha1:" + b"A" * 32

REFUSED = {
    "not HTML: type": (record(http(BAD, kind=b"image/png")), "not HTML"),
    "not HTML: no HTTP": (record(b"10 IN A 127.0.0.1", kind=b"text/dns"), "not HTML"),
    "no HTTP header": (record(b"nothing like it"), "no HTTP header"),
    "HTTP header without end": (record(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 66_000), "no HTTP header"),
    "no target URI": (record(WHOLE, uri=b""), "no target URI"),
    "block digest": (record(WHOLE, b"WARC-Block-Digest: " + NO_DIGEST), "bad digest"),
    "payload digest": (record(WHOLE, b"WARC-Payload-Digest: " + NO_DIGEST), "bad digest"),
    "sha256 digest": (record(WHOLE, b"WARC-Block-Digest: sha256:" + b"0" * 64), "bad digest"),
    "large page": (record(http(BAD + b" " * 5_000)), "larger than 4,096 bytes"),
    "large record": (record(http(BAD + b" " * 200_000)), "larger than 4,096 bytes"),
    "bomb": (record(http(gzip.compress(bytes(1 << 20), mtime=0), GZIP)), "larger than 4,096 bytes"),
    "brotli bomb": (record(http(brotli.compress(bytes(1 << 20)), BR)), "larger than 4,096 bytes"),
    "chunk size": (record(http(b"zz\r\n" + BAD, CHUNKED)), "wrong chunking"),
    "chunk too long": (record(http(b"fffff\r\n" + BAD, CHUNKED)), "wrong chunking"),
    "last chunk missing": (record(http(chunked(BAD)[:-5], CHUNKED)), "wrong chunking"),
    "gzip cut": (record(http(gzip.compress(BAD, mtime=0)[:-20], GZIP)), "damaged gzip body"),
    "deflate cut": (record(http(zlib.compress(BAD)[:-9], DEFLATE)), "damaged deflate body"),
    "br cut": (record(http(brotli.compress(BAD)[:-9], BR)), "damaged br body"),
    "encodings": (record(http(BAD, b"Content-Encoding: gzip" + b", gzip" * 9)), "too many encodings"),
    "HTTP length long": (record(http(BAD, length=9_999)), "shorter than its HTTP Content-Length"),
    "HTTP status": (record(WHOLE.replace(b"200 OK", b"404 Not Found")), "HTTP status 404"),
    "HTTP status missing": (record(WHOLE.replace(b"200 OK", b"OK")), "HTTP status missing"),
    "revisit": (record(WHOLE).replace(b": response", b": revisit"), "revisit of another record"),
    "segment": (record(WHOLE, b"WARC-Segment-Number: 1"), "segmented record"),
    "continuation": (record(WHOLE).replace(b": response", b": continuation"), "segmented record"),
    "WARC length short": (record(WHOLE, length=len(WHOLE) - 50), "wrong Content-Length"),
    "WARC length long": (record(WHOLE, length=len(WHOLE) + 50), "wrong Content-Length"),
    "WARC length of a thousand terabytes": (record(WHOLE, length=10**15), "wrong Content-Length"),
    "WARC length negative": (record(WHOLE, length=-1), "wrong Content-Length"),
    "version": (record(WHOLE, version=b"9.0"), "unknown WARC version"),
    "header": (record(WHOLE, b"X: " + b"a" * 100_000), "header larger than 64 KB"),
    "nonsense": (b"no record at all\r\n" * 20, "not a WARC record"),
}


@pytest.mark.parametrize("packing", ["gz", "plain"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_record_between_good_ones_is_one_row(tmp_path, case, packing):
    bad, reason = REFUSED[case]
    parts = [good(b"1"), bad, good(b"2"), good(b"3")]
    if packing == "gz":
        parts = [gzip.compress(part, mtime=0) for part in parts]
    path = tmp_path / ("a.warc.gz" if packing == "gz" else "a.warc")
    path.write_bytes(b"".join(parts))
    documents, refused = read(path, "warc", 4096)
    assert [document.metadata["url"] for document in documents] == [f"http://good/{n}" for n in (1, 2, 3)]
    assert [document.metadata["raw"] for document in documents] == [PAGE % n for n in (b"1", b"2", b"3")]
    assert [(row.reason, row.offset, row.fatal) for row in refused] == [(reason, len(parts[0]), False)]


@pytest.mark.parametrize("version", [b"0.17", b"0.18", b"1.1"])
def test_other_versions(tmp_path, version):
    (tmp_path / "a.warc").write_bytes(record(WHOLE, version=version))
    assert read(tmp_path / "a.warc", "warc")[0][0].metadata["raw"] == BAD


@pytest.mark.parametrize("packing", ["one member", "members cut anywhere", "zstd"])
def test_files_that_are_not_packed_by_record(tmp_path, packing):
    content = b"".join(good(b"%d" % n) for n in range(300))
    if packing == "one member":
        packed = gzip.compress(content, mtime=0)
    elif packing == "zstd":
        packed = zstandard.compress(content)
    else:
        packed = b"".join(gzip.compress(content[at : at + 1_234], mtime=0) for at in range(0, len(content), 1_234))
    path = tmp_path / ("a.warc.zst" if packing == "zstd" else "a.warc.gz")
    path.write_bytes(packed)
    documents, refused = read(path, "warc")
    assert [document.metadata["raw"] for document in documents] == [PAGE % b"%d" % n for n in range(300)]
    assert len({document.id for document in documents}) == 300
    assert not refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"filedesc://a.arc 127.0.0.1 20200101000000 text/plain 9\r\n1 0 x\r\n", "an ARC file, not WARC"),
        (b"", "empty file"),
        (b"not an archive at all\n" * 100, "not a WARC record"),
        (good(b"1")[:-200], "truncated"),
        (b"WAR", "truncated"),
        (good(b"1")[:99], "truncated"),
    ],
)
def test_a_file_of_which_nothing_can_be_read(tmp_path, content, reason):
    for name, packed in (("a.warc", content), ("b.warc.gz", gzip.compress(content, mtime=0))):
        (tmp_path / name).write_bytes(packed)
        documents, refused = read(tmp_path / name, "warc")
        assert not documents
        assert [row.fatal for row in refused] == [True]
        assert refused[0].reason == reason or (reason == "truncated" and name == "b.warc.gz")
    documents, refused = read(tmp_path / "nowhere.warc", "warc")
    assert [(row.reason, row.fatal) for row in refused] == [("unreadable (FileNotFoundError)", True)]


def test_a_bomb_costs_no_more_than_its_bound(tmp_path):
    """A page and a record of 256 MB, a thousandth of that in the file."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    head = record(b"", length=256 << 20)[:-4]
    packer = zlib.compressobj(wbits=31)
    large = [packer.compress(part) for part in (head, *[bytes(1 << 20)] * 256, b"\r\n\r\n")] + [packer.flush()]
    members = [
        gzip.compress(good(b"1"), mtime=0),
        gzip.compress(record(http(bomb, GZIP)), mtime=0),
        *large,
        gzip.compress(good(b"2"), mtime=0),
    ]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(members))
    program = f"""
import resource
from pipeline.read.readers import read_warc
from pipeline.read.sources import Shard
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shard = Shard(source="x", url={str(tmp_path / "a.warc.gz")!r}, format="warc")
print([getattr(found, "reason", "page") for found in read_warc(shard)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    found, kilobytes = done.stdout.splitlines()
    assert found == "['page', 'larger than 64 MB', 'larger than 64 MB', 'page']"
    assert int(kilobytes) < 80_000


def test_a_bad_record_at_the_end_is_fatal_unless_it_has_a_member_of_its_own(tmp_path):
    last = record(WHOLE, version=b"9.0")
    for name, content, fatal in (
        ("own.warc.gz", gzip.compress(good(b"1"), mtime=0) + gzip.compress(last, mtime=0), False),
        ("shared.warc.gz", gzip.compress(good(b"1") + last, mtime=0), True),
        ("plain.warc", good(b"1") + last, True),
    ):
        (tmp_path / name).write_bytes(content)
        documents, refused = read(tmp_path / name, "warc")
        assert len(documents) == 1
        assert [(row.reason, row.fatal) for row in refused] == [("unknown WARC version", fatal)], name
