"""Sources that are tokenised already, through the flows."""

import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from support import mixwright
from tokenised import documents_in, experiment, quiet, source

from flows.experiment import load_experiment
from mixes.swarm import Candidate
from pipeline.pool.domains import PoolSettings, read_domains
from pipeline.pool.pool import Pool
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.store.documents import scan
from pipeline.suite import encode_suite
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm


@pytest.fixture(scope="module")
def mixed(base) -> Path:
    """A finished experiment of tokens and the same documents as texts, by the command line and two workers."""
    text = {"path": "science/*.jsonl", "format": "jsonl", "filters": False, "without": ["repeats", "decontaminate"]}
    dedup = {"exact": False, "near": {"enabled": False}}
    sources = {"papers": source(base, "science"), "programs": source(base, "code"), "texts": text}
    made = experiment(base, "mixed", sources, dedup=dedup, executor={"workers": 2})
    mixwright("prepare", "mixed.yaml", folder=base)
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


def test_tokens_alone_make_a_swarm(base):
    """No text, so no language model is looked at and nothing is trained before the proxies."""
    sources = {"papers": source(base, "science"), "programs": source(base, "code", full_tokens=10**6)}
    experiment(base, "alone", sources, language={"model": "there is none"})
    mixwright("swarm", "alone.yaml", folder=base)
    with duckdb.connect(str(base / "alone" / "catalog.duckdb"), read_only=True) as catalog:
        assert catalog.sql("select count(*) > 3 from runs").fetchall() == [(True,)]
        assert catalog.sql("select round(available_tokens) from domains where domain = 'programs'").fetchall() == [
            (10**6,)
        ]


def test_a_resolved_experiment_can_be_loaded_again(base, mixed):
    resolved = next((mixed / "experiments").glob("*.yaml"))
    again = load_experiment(Path(shutil.copy(resolved, base)))
    assert again.sources == load_experiment(base / "mixed.yaml").sources
    assert again.pool == PoolSettings(validation_share=0.1)
