"""Sources that are tokenised already: read, checked, split and copied as if their texts had been tokenised here."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import duckdb
import fsspec
import numpy as np
import polars as pl
import pytest
import yaml
from conftest import SAMPLE, mixwright, read_lines
from pydantic import ValidationError
from test_sources import Server
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from flows.experiment import Experiment, load_experiment
from mixes.swarm import Candidate
from pipeline.errors import PipelineError
from pipeline.pool.domains import PoolSettings, read_domains
from pipeline.pool.pool import Pool
from pipeline.read import tokens
from pipeline.read.readers import Refused
from pipeline.read.sources import Shard, SourceSettings
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.store.documents import scan
from pipeline.suite import encode_suite
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm

END = "<|endoftext|>"
SOURCES = {"science": 150, "code": 30}  # real texts that stand in for papers and programs


def quiet(done: int, of: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def base(tiny, tmp_path_factory) -> Path:
    """A folder with a real tokenizer, two shards of ids a source, their texts, and the tiny suite."""
    folder = tmp_path_factory.mktemp("tokens")
    texts = {
        name: [row["text"] for row in read_lines(SAMPLE / name / "00000.jsonl.zst", most)]
        for name, most in SOURCES.items()
    }
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([text for some in texts.values() for text in some], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, some in texts.items():
        half = len(some) // 2
        for shard, part in {"a": some[:half], "b": some[half:]}.items():
            encoded = tokenizer.encode_batch(part, add_special_tokens=False)
            ids = [number for one in encoded for number in (*one.ids, tokenizer.token_to_id(END))]
            (folder / name).mkdir(exist_ok=True)
            np.array(ids, dtype="<u2").tofile(folder / name / f"{shard}.bin")
            (folder / name / f"{shard}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in part))
    shutil.copy(tiny / "suite.jsonl.zst", folder)
    return folder


def hash_of(base: Path) -> str:
    return sha256((base / "tokenizer.json").read_bytes()).hexdigest()


def source(base: Path, name: str, **fields: object) -> dict:
    return {"path": f"{name}/*.bin", "format": "tokens", "tokenizer_sha256": hash_of(base), **fields}


def experiment(base: Path, name: str, sources: dict, **sections: object) -> Experiment:
    content = {
        "name": name, "work": name, "sources": sources, "language": {"model": str(SAMPLE / "lid.176.ftz")},
        "tokenizer": {"path": "tokenizer.json"}, "suite": {"path": "suite.jsonl.zst", "items": 4},
        "proxy": {"size": "100k", "tokens": 8_192, "context": 64, "batch": 8}, "pool": {"validation_share": 0.1},
        "swarm": {"mixes": 2, "seeds": 2, "max_epochs": 8}, "executor": {"workers": 1}, **sections,
    }  # fmt: skip
    (base / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return load_experiment(base / f"{name}.yaml")


def pool_of(made: Experiment) -> Pool:
    """The pool of an experiment whose sources are all tokenised, without Prefect."""
    corpus = made.corpus
    corpus.stages.root.mkdir(parents=True, exist_ok=True)
    stages = {"index": refine.index_tokens(corpus, quiet)}
    stages["domains"] = assemble.choose_domains(corpus, stages)
    stages["tokenizer"] = assemble.make_tokenizer(corpus, stages)
    stages["tokenise"] = assemble.tokenise(corpus, stages, quiet)
    return Pool(assemble.gather_pool(corpus, stages["tokenise"], stages["domains"], stages["tokenizer"]))


def documents_in(*files: Path, dtype: str = "<u2", ending: int = 0) -> list[tuple[int, ...]]:
    """What ends with the ending token, the slow way."""
    found: list[tuple[int, ...]] = []
    for file in files:
        one: list[int] = []
        for number in np.fromfile(file, dtype=dtype).tolist():
            one.append(number)
            if number == ending:
                found.append(tuple(one))
                one = []
    return found


def read(path: Path, base: Path, dtype: str = "uint16", most: int = 1 << 20) -> list:
    shard = Shard(source="x", url=str(path), format="tokens", dtype=dtype)
    return list(tokens.read_tokens(shard, most, base / "tokenizer.json", END))


@pytest.fixture(scope="module")
def mixed(base, server) -> Path:
    """A finished experiment of tokens and the same documents as texts, by the command line and two workers."""
    text = {"path": "science/*.jsonl", "format": "jsonl", "filters": False, "without": ["repeats", "decontaminate"]}
    dedup = {"exact": False, "near": {"enabled": False}}
    sources = {"papers": source(base, "science"), "programs": source(base, "code"), "texts": text}
    made = experiment(base, "mixed", sources, dedup=dedup, executor={"workers": 2})
    mixwright("prepare", "mixed.yaml", folder=base, PREFECT_API_URL=server)
    return made.folder


def test_tokens_and_texts_make_the_same_pool(base, mixed):
    """The same documents by either way: equal tokens, equal bytes, only their names differ."""
    pool = Pool(next((mixed / "stages").glob("pool-*")))
    papers, texts = pool.domains["papers"], pool.domains["texts"]
    assert (papers.documents, papers.bytes) == (texts.documents, texts.bytes) == (150, texts.bytes)
    assert papers.tokens + papers.validation_tokens == texts.tokens + texts.validation_tokens
    whole = {
        name: sorted(documents_in(*pool.files("train")[name], *pool.files("validation")[name]))
        for name in ("papers", "texts")
    }
    assert whole["papers"] == whole["texts"] == sorted(documents_in(*(base / "science").glob("*.bin")))
    assert sum(pool.natural.values()) == pytest.approx(1)
    assert pool.available({"papers": 10**9})["papers"] == 10**9


def test_validation_is_a_uniform_small_part(mixed):
    rows = scan(next((mixed / "stages").glob("tokenise-*")), "pool").collect()
    plans = read_domains(next((mixed / "stages").glob("domains-*")))
    for name in ("papers", "programs"):
        mine = rows.filter(pl.col("domain") == name)
        out = mine.filter(pl.col("split") == "validation")
        wanted = 0.1 * mine["bytes"].sum()
        assert wanted * 0.5 < out["bytes"].sum() < wanted + plans[name].held_out_bytes
        assert out["bytes"].max() <= plans[name].held_out_bytes
        assert out["id"].max() < plans[name].held_out_below
        kept = mine.filter((pl.col("split") == "train") & (pl.col("bytes") <= plans[name].held_out_bytes))
        assert kept["id"].min() > plans[name].held_out_below


def test_the_catalog_tells_of_them(mixed):
    with duckdb.connect(str(mixed / "catalog.duckdb"), read_only=True) as catalog:

        def ask(query: str) -> list[tuple]:
            return catalog.sql(query).fetchall()

        assert ask("select format, shards from sources where source = 'papers'") == [("tokens", 2)]
        assert ask("select text is null, count(*) from documents where source = 'papers' group by all") == [(True, 150)]
        assert ask("select count(*) from documents where source = 'texts' and text is not null") == [(150,)]
        assert ask("select bucket, documents from buckets where domain = 'programs'") == [(0, 30)]
        assert ask("select documents from domains where domain = 'programs'") == [(30,)]
        assert ask(
            "select step, documents_in, documents_kept, documents_dropped, bytes_in = bytes_kept from funnel_by_stage "
            "where source = 'programs' order by position"
        ) == [("read", 30, 30, 0, True), ("removals", 30, 30, 0, True)]
        total = ask("select bytes_kept from funnel_by_stage where source = 'programs' and step = 'removals'")
        assert total == ask("select bytes from domains where domain = 'programs'")
        assert ask("select count(*) from refused") == [(0,)]
        assert ask("select count(*) from domain_summary") == [(3,)]


def test_any_number_of_workers_writes_the_same_bytes(base, mixed):
    content = yaml.safe_load((base / "mixed.yaml").read_text())
    corpus = experiment(base, "single", content["sources"], dedup=content["dedup"]).corpus
    stages = {"index": refine.index_tokens(corpus, quiet)} | {
        name: next((mixed / "stages").glob(f"{name}-*")) for name in ("clean", "label")
    }
    stages["domains"] = assemble.choose_domains(corpus, stages)
    stages["tokenizer"] = assemble.make_tokenizer(corpus, stages)
    again = assemble.tokenise(corpus, stages, quiet)
    other = mixed / "stages" / again.name
    files = sorted(file.relative_to(again) for file in [*again.rglob("*.bin"), *again.rglob("files.json")])
    assert len(files) > 12
    assert all((again / file).read_bytes() == (other / file).read_bytes() for file in files)
    assert scan(again, "pool").collect().equals(scan(other, "pool").collect())


def test_a_proxy_learns_from_texts_and_tokens(base, mixed):
    made = load_experiment(base / "mixed.yaml")
    pool = Pool(next((mixed / "stages").glob("pool-*")))
    encode_suite(base / "suite.jsonl.zst", made.suite, pool.tokenizer, pool.end_token, 64, base / "suite")
    evidence = Evidence(pool.folder, base / "suite", made.proxy)
    natural = Candidate("natural", pool.natural, 0)
    train_swarm(evidence, [natural], made.records, base / "logs", made.executor, quiet)
    scores = pl.read_parquet(made.records / "scores" / f"{evidence.run_id(natural)}.parquet")
    validation = dict(scores.filter(pl.col("kind") == "validation").select("task", "bpb").iter_rows())
    assert set(validation) == {"papers", "programs", "texts"}
    assert all(0.5 < bpb < 8 for bpb in validation.values())
    assert validation["papers"] == pytest.approx(validation["texts"], rel=0.2)


def test_tokens_alone_make_a_swarm(base, server):
    """No text, so no language model is looked at and nothing is trained before the proxies."""
    sources = {"papers": source(base, "science"), "programs": source(base, "code", full_tokens=10**6)}
    experiment(base, "alone", sources, language={"model": "there is none"})
    mixwright("swarm", "alone.yaml", folder=base, PREFECT_API_URL=server)
    with duckdb.connect(str(base / "alone" / "catalog.duckdb"), read_only=True) as catalog:
        assert catalog.sql("select count(*) > 3 from runs").fetchall() == [(True,)]
        assert catalog.sql("select round(available_tokens) from domains where domain = 'programs'").fetchall() == [
            (10**6,)
        ]


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


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "tokens"}, "tokenizer_sha256 is missing"),
        ({"format": "tokens", "tokenizer_sha256": "abc"}, "should match pattern"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "quality": True, "topics": True}, "takes no quality, top"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "fields": {"text": "t"}}, "takes no fields — remove it"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "without": ["repeats"]}, "takes no without"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "dtype": "int64"}, "'uint16' or 'uint32'"),
        ({"format": "jsonl", "dtype": "uint32"}, "dtype is for format tokens alone"),
    ],
)
def test_settings_that_make_no_sense(fields, said):
    with pytest.raises(ValidationError, match=said):
        SourceSettings(path="*", **fields)


def test_a_resolved_experiment_can_be_loaded_again(base, mixed):
    resolved = next((mixed / "experiments").glob("*.yaml"))
    again = load_experiment(Path(shutil.copy(resolved, base)))
    assert again.sources == load_experiment(base / "mixed.yaml").sources
    assert again.pool == PoolSettings(validation_share=0.1)
