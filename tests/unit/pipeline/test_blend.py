"""A blend holds what was asked: every document whole, as often as its bucket repeats, in one global shuffle."""

import gzip
import itertools
import json
import os
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from paragraph_pool import END, paragraph_pool
from tokenised import quiet

from mixes.upsampling import UpsamplingSettings, bucket_repeats
from pipeline.blend import blend
from pipeline.blend.blend import write_blend
from pipeline.blend.formats.registry import FORMATS
from pipeline.blend.manifest import Manifest
from pipeline.blend.plan import Plan, Request
from pipeline.blend.read_back import main_files, read_documents
from pipeline.blend.verify import check_blend
from pipeline.errors import PipelineError
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.check_tokens import DamagedTokens
from pipeline.pool.pool import Pool

MIX = {"guide": 0.4, "log": 0.35, "code": 0.25, "decisions": 0.0}
HERE = ExecutorSettings(workers=1)


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Pool:
    return paragraph_pool(tmp_path_factory.mktemp("paragraphs"))


def request(**changes: object) -> Request:
    asked = Request("recommendation-1", "experiment-1", MIX, 60_000, "jsonl", 7, 20_000, None, dict.fromkeys(MIX, 4.0))
    return replace(asked, **changes)


def write(pool: Pool, folder: Path, **changes: object) -> Manifest:
    return write_blend(Plan(request(**changes), pool), folder, HERE, lambda _, work: work(quiet))


def documents(folder: Path, manifest: Manifest) -> list[tuple[str, str, int, int]]:
    """(id, domain, bucket, tokens) of all, in order."""
    return [
        row
        for name in main_files(manifest)
        for part in read_documents(folder, manifest, name)
        for row in zip(part.ids, part.domains, part.buckets, part.tokens, strict=True)
    ]


def rows_of(pool: Pool) -> pl.DataFrame:
    return pl.read_parquet(pool.tokenised / "pool" / "*.parquet").filter(pl.col("split") == "train")


@pytest.fixture(scope="module")
def written(pool, tmp_path_factory) -> dict[str, tuple[Path, Manifest]]:
    folder = tmp_path_factory.mktemp("blends")
    return {name: (folder / name, write(pool, folder / name, format_name=name)) for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_the_same_documents_in_the_same_order(written, name):
    assert documents(*written[name]) == documents(*written["jsonl"])
    assert check_blend(*written[name], quiet) == []


def test_texts_are_the_pools(written, pool):
    texts = dict(rows_of(pool).select("id", "text").iter_rows())
    for name in ("jsonl", "parquet", "mds"):
        folder, manifest = written[name]
        for shard in main_files(manifest):
            for part in read_documents(folder, manifest, shard):
                assert part.texts == [texts[document] for document in part.ids]


def test_ids_are_the_pools(written, pool):
    folder, manifest = written["megatron"]
    texts = dict(rows_of(pool).select("id", "text").iter_rows())
    tokenizer = pool.tokenizer
    wanted = [
        number
        for document, *_ in documents(folder, manifest)
        for number in [*tokenizer.encode(texts[document]).ids, tokenizer.token_to_id(END)]
    ]
    for name, ending in (("megatron", ".bin"), ("olmo-core", ".npy"), ("datatrove", ".ds")):
        files = sorted(written[name][0].glob(f"part-*{ending}"))
        found = np.concatenate([np.fromfile(file, dtype="<u2") for file in files])
        assert found.tolist() == wanted


def test_side_files_say_where_documents_end(written):
    lengths = [tokens for *_, tokens in documents(*written["jsonl"])]
    folder = written["megatron"][0]
    sizes = []
    for file in sorted(folder.glob("*.idx")):
        content = file.read_bytes()
        assert content[:9] == b"MMIDIDX\x00\x00"
        version, code, sequences, places = struct.unpack("<QBQQ", content[9:34])
        assert (version, code, places) == (1, 8, sequences + 1)
        own = np.frombuffer(content, "<i4", sequences, 34)
        pointers = np.frombuffer(content, "<i8", sequences, 34 + 4 * sequences)
        assert pointers.tolist() == [0, *(2 * np.cumsum(own)[:-1]).tolist()]
        assert np.frombuffer(content, "<i8", offset=34 + 12 * sequences).tolist() == list(range(sequences + 1))
        sizes += own.tolist()
    assert sizes == lengths
    folder = written["olmo-core"][0]
    texts = [gzip.decompress(file.read_bytes()).decode() for file in sorted(folder.glob("*.csv.gz"))]
    rows = [row.split(",") for text in texts for row in text.splitlines()]
    assert [int(end) - int(start) for start, end, *_ in rows] == lengths
    assert [(row[2], row[3], int(row[4])) for row in rows] == [row[:3] for row in documents(*written["jsonl"])]
    folder = written["datatrove"][0]
    ends = [np.fromfile(file, "<u8") for file in sorted(folder.glob("*.ds.index"))]
    assert np.concatenate([np.diff(own, prepend=np.uint64(0)) for own in ends]).tolist() == lengths
    assert (folder / "part-00000.ds.metadata").read_text().splitlines()[:2] == [
        "tokenizer.json|2",
        str(int(ends[0][-1])),
    ]


def test_shares_are_those_of_the_mix(written, pool):
    _, manifest = written["jsonl"]
    shortest = rows_of(pool).group_by("domain").agg(pl.col("tokens").max())
    longest = dict(shortest.iter_rows())
    for row in manifest.domains:
        assert 0 <= row.asked_tokens - row.tokens < longest[row.domain]
    assert sum(row.tokens for row in manifest.domains) == manifest.tokens
    assert abs(manifest.tokens - 60_000) < 200


def test_whole_copies_and_a_seeded_fraction(pool, tmp_path):
    manifest = write(pool, tmp_path / "b", tokens=200_000, epochs={})
    counts = Counter((name, domain) for name, domain, *_ in documents(tmp_path / "b", manifest))
    held = rows_of(pool)
    for row in manifest.domains:
        own = [counts[name, row.domain] for name in held.filter(pl.col("domain") == row.domain)["id"]]
        low = int(row.asked_tokens // pool.domains[row.domain].tokens)
        assert set(own) <= {low, low + 1}
    other = write(pool, tmp_path / "c", tokens=200_000, epochs={}, seed=8)
    assert Counter(row[0] for row in documents(tmp_path / "c", other)) != Counter(name for name, _ in counts)


def test_buckets_repeat_as_the_curve_says(pool, tmp_path):
    curve = UpsamplingSettings(discard=0.3, cap=3)
    mix, tokens = {"guide": 1.0}, pool.domains["guide"].tokens
    manifest = write(pool, tmp_path / "b", mix=mix, tokens=tokens, upsampling=curve)
    sizes = [use.pool_tokens for use in manifest.buckets if use.domain == "guide"]
    repeats = bucket_repeats(mix, tokens, {"guide": sizes}, curve)["guide"]
    assert repeats[0] == 0
    assert repeats[-1] > 1.5
    longest = rows_of(pool).filter(pl.col("domain") == "guide")["tokens"].max()
    for use, repeat in zip((use for use in manifest.buckets if use.domain == "guide"), repeats, strict=True):
        assert use.tokens == pytest.approx(repeat * use.pool_tokens, abs=longest)
    counts = Counter((row[0], row[2]) for row in documents(tmp_path / "b", manifest))
    for (_, bucket), count in counts.items():
        assert count in (int(repeats[bucket]), int(repeats[bucket]) + 1)
    assert abs(manifest.tokens - tokens) < 60  # what one bucket cannot give the next one gives


def test_the_shuffle_is_global(written):
    """Every domain, and every file of the pool, is spread over the whole blend."""
    rows = documents(*written["jsonl"])
    for domain in ("guide", "log", "code"):
        places = np.array([place for place, row in enumerate(rows) if row[1] == domain]) / len(rows)
        distance = np.abs(np.sort(places) - np.linspace(0, 1, len(places))).max()
        assert distance < 1.95 / np.sqrt(len(places))  # Kolmogorov-Smirnov at 0.1 %
    neighbours = sum(a[1] == b[1] for a, b in itertools.pairwise(rows)) / len(rows)
    shares = np.array(list(Counter(row[1] for row in rows).values())) / len(rows)
    assert neighbours == pytest.approx((shares**2).sum(), abs=0.08)


def test_shards_have_the_size_that_was_asked(written, pool):
    folder, manifest = written["jsonl"]
    sizes = [sum(sum(part.tokens) for part in read_documents(folder, manifest, name)) for name in main_files(manifest)]
    assert len(sizes) == 3
    longest = rows_of(pool)["tokens"].max()
    assert all(abs(size - manifest.tokens / 3) <= longest for size in sizes)


def test_two_halves_use_no_document_more_often_than_the_whole(pool, tmp_path):
    half = pool.domains["guide"].tokens
    for curve in (None, UpsamplingSettings(discard=0.3, cap=3)):
        name = "even" if curve is None else "curve"
        asked = {"upsampling": curve, "epochs": {}, "mix": {"guide": 0.5, "log": 0.5}}
        first = write(pool, tmp_path / f"{name}-1", tokens=half, **asked)
        second = write(pool, tmp_path / f"{name}-2", tokens=half, after=first, seed=99, **asked)
        whole = write(pool, tmp_path / f"{name}-whole", tokens=2 * half, **asked)
        parts = ((tmp_path / f"{name}-1", first), (tmp_path / f"{name}-2", second))
        halves = Counter(row[0] for part in parts for row in documents(*part))
        at_once = Counter(row[0] for row in documents(tmp_path / f"{name}-whole", whole))
        assert max(halves.values()) == max(at_once.values())
        assert sum((halves - at_once).values()) < 0.05 * sum(halves.values())  # but for documents that did not fit
        assert check_blend(tmp_path / f"{name}-2", second, quiet) == []


def test_a_later_blend_repeats_nothing_until_a_domain_is_used_up(pool, tmp_path):
    """The mix changes in mid-run: no repeats, no holes."""
    held = {name: domain.tokens for name, domain in pool.domains.items()}
    parts = {name: share * held[name] for name, share in (("guide", 0.5), ("log", 0.3), ("code", 0.1))}
    total = sum(parts.values())
    mix = {name: tokens / total for name, tokens in parts.items()}
    first = write(pool, tmp_path / "1", tokens=round(total), mix=mix)
    rest = {name: held[name] - next(row.tokens for row in first.domains if row.domain == name) for name in held}
    second = write(pool, tmp_path / "2", tokens=sum(rest.values()), after=first,
                   mix={name: left / sum(rest.values()) for name, left in rest.items()})  # fmt: skip
    both = ((tmp_path / "1", first), (tmp_path / "2", second))
    counts = Counter(row[0] for part in both for row in documents(*part))
    assert set(counts.values()) == {1}
    assert set(counts) == set(rows_of(pool)["id"])


def test_any_damage_is_found(pool, tmp_path):
    manifest = write(pool, tmp_path / "b", format_name="megatron")
    shard = tmp_path / "b" / "part-00001.bin"
    content = bytearray(shard.read_bytes())
    content[1_000] ^= 1
    shard.write_bytes(content)
    assert check_blend(tmp_path / "b", manifest, quiet) == ["part-00001.bin: is not what was written"]
    shard.unlink()
    (tmp_path / "b" / "part-00009.bin").write_bytes(b"")
    problems = check_blend(tmp_path / "b", manifest, quiet)
    assert problems == ["part-00001.bin: No such file or directory", "part-00009.bin: is no file of this blend"]


def test_a_recount_does_not_trust_the_manifest(pool, tmp_path):
    manifest = write(pool, tmp_path / "b")
    use = manifest.buckets[0]
    wrong = manifest.model_copy(update={"buckets": (use.model_copy(update={"documents": 1}), *manifest.buckets[1:])})
    assert "documents instead of 1" in check_blend(tmp_path / "b", wrong, quiet)[0]
    listed = {name: {"bytes": file["bytes"], "sha256": file["sha256"]} for name, file in manifest.shards.items()}
    name = main_files(manifest)[0]
    first, second = (tmp_path / "b" / name, tmp_path / "b" / main_files(manifest)[1])
    first.write_bytes(second.read_bytes())  # whole and listed, and still not what the manifest counts
    listed[name] = listed[second.name]
    problems = check_blend(tmp_path / "b", manifest.model_copy(update={"shards": listed}), quiet)
    assert any("tokens instead of" in line for line in problems)


def test_more_than_the_caps_allow_is_refused(pool):
    with pytest.raises(
        PipelineError, match=r"domain 'guide' .*would be repeated .* times and its cap is 1: [\d,]+ tokens"
    ):
        Plan(request(tokens=200_000, epochs={**dict.fromkeys(MIX, 9.0), "guide": 1.0}), pool)


def test_another_pool_is_refused_after_an_earlier_blend(pool, written):
    earlier = written["jsonl"][1].model_copy(update={"pool": "pool-ffffffffffff"})
    with pytest.raises(PipelineError, match="was written from pool-ffffffffffff"):
        Plan(request(after=earlier), pool)


def test_text_of_tokenised_sources_is_refused(pool):
    with pytest.raises(PipelineError, match="domain 'log' came as tokens"):
        Plan(request(without_text=frozenset({"log"})), pool)
    Plan(request(without_text=frozenset({"log"}), format_name="megatron"), pool)
    Plan(request(without_text=frozenset({"decisions"})), pool)  # no weight


def test_a_damaged_pool_is_noticed(tmp_path):
    pool = paragraph_pool(tmp_path / "pool")
    file = sorted((pool.tokenised / "tokens" / "00001").glob("log-*.train.bin"))[0]
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedTokens, match="is not what was written"):
        write(pool, tmp_path / "b", format_name="olmo-core")
    table = pool.tokenised / "pool" / "00002.parquet"
    content = bytearray(table.read_bytes())
    content[len(content) // 3] ^= 1
    table.write_bytes(content)
    with pytest.raises(DamagedTokens, match=r"pool/00002.parquet is not what was written"):
        write(pool, tmp_path / "c")


def test_a_shard_that_mds_cannot_hold_is_refused():
    from pipeline.formats.mds import mds_config, mds_head

    with pytest.raises(PipelineError, match="MDS holds at most"):
        mds_head(mds_config({}, 0), np.array([1 << 31, 1 << 31]))


def test_a_disk_without_room_is_named_before_anything_is_written(pool, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(PipelineError, match=r"GB are needed while it is written, and the disk has 0\.0 GB free"):
        write(pool, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_folder_with_other_files_is_refused(pool, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(PipelineError, match=r"holds other files \('notes.txt'\)"):
        write(pool, tmp_path)
    write(pool, tmp_path / "b")
    with pytest.raises(PipelineError, match="holds another blend"):
        write(pool, tmp_path / "b", seed=8)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "b").iterdir())
    write(pool, tmp_path / "b")  # the same again: nothing to do
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "b").iterdir()) == before


def test_an_edited_manifest_is_refused(pool, tmp_path):
    from pipeline.blend.manifest import read_manifest

    write(pool, tmp_path / "b")
    file = tmp_path / "b" / "manifest.json"
    content = json.loads(file.read_bytes())
    content["buckets"][0]["below"] = 0
    file.write_text(json.dumps(content))
    with pytest.raises(PipelineError, match="edited or damaged"):
        read_manifest(file, "--after")
    file.write_text("{}")
    with pytest.raises(PipelineError, match="no manifest of a blend"):
        read_manifest(file, "--after")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PipelineError, match="is no file"):
        read_manifest(tmp_path / "pipe", "--after")


def test_killed_while_shards_appear(pool, tmp_path, monkeypatch):
    """The manifest comes last, and what has appeared already is not written again."""
    write(pool, tmp_path / "whole", format_name="megatron")
    left, replaced = [3], blend.os.replace

    def dying(aside: Path, path: Path) -> None:
        if path.parent == tmp_path / "b":
            left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        replaced(aside, path)

    with monkeypatch.context() as patched:
        patched.setattr(blend.os, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            write(pool, tmp_path / "b", format_name="megatron")
    assert not (tmp_path / "b" / "manifest.json").exists()
    seen = {path: path.stat().st_mtime_ns for path in (tmp_path / "b").glob("part-*")}
    assert len(seen) == 3
    write(pool, tmp_path / "b", format_name="megatron")
    assert {path: path.stat().st_mtime_ns for path in seen} == seen
    files = {path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*") if path.is_file()} == files
    for name in files:
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_blend_that_lost_a_file_is_written_again(pool, tmp_path):
    write(pool, tmp_path / "b", format_name="mds")
    before = {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    (tmp_path / "b" / "part-00001.mds").unlink()
    (tmp_path / "b" / "part-00002.mds").write_bytes(b"cut")
    write(pool, tmp_path / "b", format_name="mds")
    assert {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()} == before


def test_shards_without_documents_are_not_written(pool, tmp_path):
    """Far smaller shards than documents: Megatron stops at a weight of zero."""
    manifest = write(pool, tmp_path / "b", format_name="megatron", tokens=1_500, shard_tokens=50)
    lines = (tmp_path / "b" / "data-args.txt").read_text().splitlines()
    assert len(lines) == len(main_files(manifest)) < 30
    assert all(float(line.split()[0]) > 0 for line in lines)
    assert all((tmp_path / "b" / name).stat().st_size for name in main_files(manifest))
    assert check_blend(tmp_path / "b", manifest, quiet) == []
