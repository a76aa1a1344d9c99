"""The whole of flows 1 to 3 on tiny real data, once, and what is left behind for people."""

import json

import duckdb
import pytest
import yaml
from support import here, mixwright, said_here

from pipeline.pool.pool import Pool


def test_the_recommendation_is_whole(finished):
    assert set(finished["mix"]) == set(finished["natural"]) == set(finished["intervals"]) == set(finished["epochs"])
    for mix in (finished["mix"], finished["natural"]):
        assert sum(mix.values()) == pytest.approx(1)
        assert min(mix.values()) >= 0
    for domain, (low, high) in finished["intervals"].items():
        assert low <= finished["mix"][domain] <= high
        assert finished["epochs"][domain] <= finished["max_epochs"] + 1e-3
    assert set(finished["verdict"]) == {"target", "code", "knowledge", "commonsense"}
    for row in finished["predicted"].values():
        assert row["gain"] == pytest.approx(row["natural"] - row["mix"])
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
    assert {law["name"] for law in finished["law"].values()} <= {"linear", "log_linear", "bimix", "transfer"}


def test_a_second_run_skips_everything_and_says_the_same(tiny, finished):
    before = {path: path.stat().st_mtime_ns for path in (tiny / "work" / "stages").rglob("*.parquet")}
    again = mixwright("recommend", "experiment.yaml", "--json", folder=tiny)
    assert json.loads(again.stdout) == finished
    assert before == {path: path.stat().st_mtime_ns for path in (tiny / "work" / "stages").rglob("*.parquet")}


def test_from_scratch_the_same_bytes(tiny, finished):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "again.yaml").write_text(yaml.safe_dump({**content, "work": "again", "executor": {"workers": 1}}))
    done = mixwright("recommend", "again.yaml", "--json", "--out", "mix.yaml", folder=tiny)
    assert json.loads(done.stdout) == finished
    pools = [sorted((tiny / work / "stages").glob("tokenise-*/tokens/*/*.bin")) for work in ("work", "again")]
    assert [p.relative_to(tiny / "work") for p in pools[0]] == [p.relative_to(tiny / "again") for p in pools[1]]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*pools, strict=True))
    written = yaml.safe_load((tiny / "mix.yaml").read_text())
    assert written["id"] == finished["id"]
    assert written["mix"] == pytest.approx(finished["mix"], abs=1e-6)


@pytest.fixture(scope="module")
def catalog(tiny, finished):
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as connection:
        yield connection


def test_the_funnel_closes(catalog):
    rows = catalog.sql(
        "select source, position, documents_in, documents_kept, documents_dropped, "
        "bytes_in, bytes_kept, bytes_dropped, bytes_trimmed from funnel_by_stage order by source, position"
    ).fetchall()
    for source, position, into, kept, dropped, size, size_kept, size_dropped, trimmed in rows:
        assert into == kept + dropped
        assert size == size_kept + size_dropped + trimmed
        following = [row for row in rows if row[0] == source and row[1] == position + 1]
        for row in following:
            assert row[2] == kept, f"{source}: {kept} documents left step {position}, {row[2]} entered the next"
            assert row[5] == size_kept
    pool = dict(catalog.sql("select source, count(*) from documents group by all").fetchall())
    last = max(row[1] for row in rows)
    assert pool == {row[0]: row[3] for row in rows if row[1] == last}
    assert sum(row[4] for row in rows if row[0] == "web") > 50


def test_scores_weights_and_documents_add_up(catalog, finished):
    assert catalog.sql("select count(*) from runs").fetchall() == [(10 + 1 + 4,)]
    assert catalog.sql(
        "select max(abs(s - 1)) < 1e-5 from (select sum(weight) s from mix_weights group by mix)"
    ).fetchall()[0][0]
    assert catalog.sql("select count(*) from scores where kind = 'task'").fetchall() == [(15 * 3,)]
    assert catalog.sql("select bool_and(bpb between 0.5 and 20) from scores").fetchall() == [(True,)]
    tokens = dict(catalog.sql("select domain, tokens from domains").fetchall())
    counted = dict(
        catalog.sql("select domain, sum(tokens)::bigint from documents where split = 'train' group by all").fetchall()
    )
    assert tokens == counted
    weights = dict(catalog.sql("select domain, weight from recommended_vs_natural").fetchall())
    assert weights == pytest.approx(finished["mix"])


def test_sql_and_why(tiny, finished):
    said = mixwright("sql", "from why('code')", "--catalog", "work/catalog.duckdb", folder=tiny).stdout
    assert "knowledge" in said


def test_the_target_changes_the_mix(tiny, finished):
    found = {
        name: json.loads(
            mixwright("recommend", "experiment.yaml", "--json", "--target", f"{name}=1", folder=tiny).stdout
        )
        for name in ("code", "knowledge")
    }
    assert found["code"]["mix"]["code"] > found["knowledge"]["mix"]["code"]
    assert found["code"]["target"] == {"codex_humaneval": 1.0}


def test_dropped_documents_can_be_looked_at(tiny, finished):
    where = ("--catalog", "work/catalog.duckdb")
    assert "too few words" in mixwright("dropped", *where, folder=tiny).stdout
    shown = here("dropped", "--reason", "too few words", "--source", "web", "--most", "2", *where, folder=tiny)
    assert shown.stdout.count("── web") == 2
    assert "lists the reasons" in said_here(tiny, "dropped", "--reason", "x", *where)


def test_a_stated_corpus_is_shared_as_the_pool_shares_it(tiny, finished):
    pool = Pool(next((tiny / "work" / "stages").glob("pool-*")))
    own = pool.available({})
    stated = pool.available({"web": 10**9, "code": None})
    assert own == {name: domain.tokens for name, domain in pool.domains.items()}
    web = [name for name, domain in pool.domains.items() if domain.source == "web"]
    assert sum(stated[name] for name in web) == pytest.approx(10**9)
    assert [stated[name] / stated[web[0]] for name in web] == pytest.approx([own[name] / own[web[0]] for name in web])
    assert {name: stated[name] for name in own if name not in web} == {n: own[n] for n in own if n not in web}
