"""Sources that are tokenised already: read, checked, split and copied as if their texts had been tokenised here."""

import gzip
import shutil
from hashlib import sha256
from pathlib import Path

import fsspec
import numpy as np
import polars as pl
import pytest
from tokenised import END, documents_in, experiment, pool_of, quiet, read, source
from tokenizers import Tokenizer
from web import Server

from pipeline.errors import PipelineError
from pipeline.read import tokens
from pipeline.read.readers import Refused
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.store.documents import scan


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_documents_across_chunks_are_measured_as_one_by_one(base, tmp_path, monkeypatch, dtype):
    rng = np.random.default_rng(3)
    ids = rng.choice([0, 7, 80, 399, 450], size=4_000, p=[0.05, 0.3, 0.3, 0.345, 0.005])
    ids.astype(dtype).tofile(tmp_path / "a.bin")
    width = np.dtype(dtype).itemsize
    monkeypatch.setattr(tokens, "CHUNK", 211)  # neither ids nor documents end there
    found, start = read(tmp_path / "a.bin", base, dtype, most=90 * width), 0
    known = Tokenizer.from_file(str(base / "tokenizer.json"))
    bytes_of = [0 if known.id_to_token(number) == END else len(known.id_to_token(number)) for number in range(400)]
    reasons = set()
    for one, said in zip(documents_in(tmp_path / "a.bin", dtype=dtype), found, strict=False):
        wrong = {
            "empty": len(one) == 1, f"larger than {90 * width} bytes": len(one) > 90,
            "id outside the vocabulary": 450 in one,
        }  # fmt: skip
        reason = next((reason for reason, is_so in wrong.items() if is_so), None)
        reasons.add(reason)
        if reason:
            assert (said.reason, said.offset, said.fatal) == (reason, start, False)
        else:
            held = (said.metadata["offset"], said.metadata["tokens"], said.metadata["token_bytes"])
            assert held == (start, len(one), sum(bytes_of[number] for number in one))
        start += len(one) * width
    assert len(reasons) == 4
    assert len(found) == len(documents_in(tmp_path / "a.bin", dtype=dtype)) + (ids[-1] != 0)


REAL = [5, 6, 7, 0]


@pytest.mark.parametrize(
    ("ids", "after", "kept", "refused"),
    [
        ([*REAL, *REAL], b"", 2, []),
        ([*REAL, 9], b"", 1, [("no ending token", 8, False)]),
        (REAL, b"\1", 1, [("cut within an id", 8, False)]),
        ([*REAL, 9], b"\1", 1, [("cut within an id", 8, False)]),
        ([*REAL, 0, *REAL], b"", 2, [("empty", 8, False)]),
        ([*REAL, 400, 0, *REAL], b"", 2, [("id outside the vocabulary", 8, False)]),
        ([5, 6, 7], b"", 0, [("no ending token", 0, True)]),
        ([*np.frombuffer(b"\x93NUMPY\1\0", "<u2"), *REAL], b"", 0, [("a .npy header, not raw ids", 0, True)]),
        ([], b"", 0, []),
        (
            [],
            gzip.compress(bytes(999), mtime=0),
            0,
            [("packed as gzip: unpack it, since ids are fetched by their place", 0, True)],
        ),
        ([0x8B1F, 8, 0], b"", 0, [("id outside the vocabulary", 0, False)]),  # which looks like gzip, and is not
    ],
)
def test_what_is_wrong_is_a_row_with_its_place(base, tmp_path, ids, after, kept, refused):
    (tmp_path / "a.bin").write_bytes(np.array(ids, "<u2").tobytes() + after)
    found = read(tmp_path / "a.bin", base)
    assert [(r.reason, r.offset, r.fatal) for r in found if isinstance(r, Refused)] == refused
    assert len(found) == kept + len(refused)


@pytest.mark.parametrize(("is_", "said"), [("uint16", "uint32"), ("uint32", "uint16")])
def test_the_wrong_width_is_noticed(base, tmp_path, is_, said):
    ids = np.fromfile(base / "science" / "a.bin", dtype="<u2")
    ids.astype(is_).tofile(tmp_path / "a.bin")
    with pytest.raises(PipelineError, match=rf"sources\.x\.dtype: the ids of a\.bin are no {said} — set dtype: {is_}"):
        read(tmp_path / "a.bin", base, said)
    assert len(read(tmp_path / "a.bin", base, is_)) == 75


def test_refused_and_removed_documents_never_enter(base):
    """32-bit shards, damaged; one document is on a removal list: counted, and all others are in the pool."""
    ids = np.fromfile(base / "science" / "a.bin", dtype="<u2").astype("<u4")
    (base / "wide").mkdir()
    (base / "wide" / "a.bin").write_bytes(ids.tobytes() + np.array([99, 0, 0, 70_000, 0, 8], "<u4").tobytes() + b"\1")
    whole = experiment(base, "wide_all", {"papers": source(base, "wide", dtype="uint32")})
    rows = scan(pool_of(whole).tokenised, "pool").collect()
    taken = rows.sort("id")["id"][3]
    (base / "takedown.txt").write_text(f"{taken}\n")
    pool = pool_of(whole.model_copy(update={"removals": ("takedown.txt",)}))
    left = scan(pool.tokenised, "pool").collect()
    assert set(rows["id"]) - set(left["id"]) == {taken}
    found = documents_in(*pool.files("train")["papers"], *pool.files("validation")["papers"])
    real = documents_in(base / "science" / "a.bin")
    assert len(found) == len(real) == 75  # the short one came, the removed one went
    assert len(set(found) - set(real)) == 1
    assert (99, 0) in found
    indexed = next(file.parent for file in whole.corpus.stages.root.glob("index-*/labels") if _removed(file.parent))
    refused = pl.read_parquet(indexed / "refused" / "*.parquet").select("source", "shard", "offset", "reason").rows()
    at = len(ids) * 4
    assert refused == [
        ("papers", "a.bin", at + 8, "empty"), ("papers", "a.bin", at + 12, "id outside the vocabulary"),
        ("papers", "a.bin", at + 20, "cut within an id"),
    ]  # fmt: skip


def _removed(stage: Path) -> bool:
    return bool(len(pl.read_parquet(stage / "dropped" / "removals" / "*.parquet")))


def test_the_same_shards_by_url(base):
    memory = fsspec.filesystem("memory")
    try:
        for shard in ("a.bin", "b.bin"):
            memory.pipe(f"/bucket/{shard}", (base / "code" / shard).read_bytes())
        local = pool_of(experiment(base, "local", {"programs": source(base, "code")}))
        remote = pool_of(experiment(base, "remote", {"programs": source(base, "x", path="memory://bucket/*.bin")}))
    finally:
        memory.store.clear()
    assert local.manifest["files"] == remote.manifest["files"]
    for split in ("train", "validation"):
        files = zip(local.files(split)["programs"], remote.files(split)["programs"], strict=True)
        assert all(one.read_bytes() == other.read_bytes() for one, other in files)


def test_a_shard_out_of_reach_is_a_row_and_the_rest_goes_on(base):
    server = Server()
    try:
        server.files = {f"{shard}.bin": (base / "code" / f"{shard}.bin").read_bytes() for shard in "ab"}
        server.broken = {"/b.bin"}
        (base / "all.paths").write_text("a.bin\nb.bin\n")
        papers = source(base, "x", path="all.paths", prefix=server.url)
        made = experiment(base, "reach", {"papers": papers}, read={"max_refused_share": 0.5})
        pool = pool_of(made)
    finally:
        server.http.shutdown()
        server.http.server_close()
    found = documents_in(*pool.files("train")["papers"], *pool.files("validation")["papers"])
    assert sorted(found) == sorted(documents_in(base / "code" / "a.bin"))
    refused = pl.read_parquet(next(made.corpus.stages.root.glob("index-*")) / "refused" / "*.parquet")
    assert refused.select("shard", "reason", "fatal").rows() == [("b.bin", "unreadable (ClientResponseError)", True)]


def test_a_shard_that_shrinks_meanwhile_stops_the_copy_which_then_goes_on(base):
    shutil.copytree(base / "code", base / "shrinking")
    made = experiment(base, "shrinking_work", {"programs": source(base, "shrinking")})
    whole = (base / "shrinking" / "b.bin").read_bytes()
    stages = {"index": refine.index_tokens(made.corpus, quiet)}
    stages["domains"] = assemble.choose_domains(made.corpus, stages)
    stages["tokenizer"] = assemble.make_tokenizer(made.corpus, stages)
    (base / "shrinking" / "b.bin").write_bytes(whole[:-9])
    with pytest.raises(PipelineError, match=r"sources\.programs: b\.bin cannot be read as it was indexed"):
        assemble.tokenise(made.corpus, stages, quiet)
    (base / "shrinking" / "b.bin").write_bytes(whole)
    aside = next(made.corpus.stages.root.glob(".tokenise-*/tokens/00000/files.json"))
    before = aside.stat().st_ino
    pool = pool_of(made)
    assert (pool.tokenised / "tokens" / "00000" / "files.json").stat().st_ino == before  # that rank did not run again
    assert pool.domains["programs"].documents == 30


@pytest.mark.parametrize(
    ("source_fields", "tokenizer", "said"),
    [
        ({}, {}, r"tokenizer\.path: missing, and source 'papers' is tokenised already — name the tokenizer\.json"),
        ({}, {"path": "none.json"}, r"tokenizer\.path: no file 'none\.json'"),
        ({}, {"path": "tokenizer.json", "end": "</s>"}, r"tokenizer\.end: '</s>' is not a token of"),
        ({"tokenizer_sha256": "a" * 64}, {"path": "tokenizer.json"}, r"sources\.papers\.tokenizer_sha256: it is aaaa"),
    ],
)
def test_a_tokenizer_that_did_not_make_the_ids_stops_before_anything_else(base, source_fields, tokenizer, said):
    made = experiment(base, "wrong", {"papers": source(base, "science", **source_fields)}, tokenizer=tokenizer)
    with pytest.raises(PipelineError, match=said) as raised:
        pool_of(made)
    assert "\n" not in str(raised.value)


def test_shards_that_another_token_ends_are_lost_shards(base):
    other = Tokenizer.from_file(str(base / "tokenizer.json"))
    other.add_special_tokens(["</s>"])
    other.save(str(base / "other.json"))
    papers = source(base, "science", tokenizer_sha256=sha256((base / "other.json").read_bytes()).hexdigest())
    made = experiment(base, "ends", {"papers": papers}, tokenizer={"path": "other.json", "end": "</s>"})
    with pytest.raises(PipelineError, match=r"2 of 2 shards .*: papers/a\.bin \(no ending token\), papers/b\.bin"):
        pool_of(made)
