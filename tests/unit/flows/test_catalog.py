"""A catalog that is built from records: its comments, recommendations of several days, and what moving it breaks."""

import csv
import io
import json
import shutil
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest
from support import here, said_here

from flows.catalog.catalog import rebuild_catalog
from flows.catalog.query import query_catalog
from flows.catalog.schema import MACROS, OVER_FILES, TABLES, VIEWS
from flows.errors import ExperimentError
from pipeline.store.documents import write_parquet

DOMAINS = {"web": (0.7, 0.5), "code": (0.3, 0.5)}  # natural and recommended weights


class Folder:
    """What a catalog is built for: the parts of an experiment that it reads."""

    def __init__(self, folder):
        self.folder, self.catalog, self.id, self.name = folder, folder / "catalog.duckdb", "experiment-1", "it's"


def record(folder, table, name, rows):
    write_parquet(pl.DataFrame(rows), folder / "records" / table / f"{name}.parquet")
    return f"records/{table}/{name}.parquet"


def recommend(folder, swarm, number, name, weight, day=None, at=None):
    """The records of a recommendation of two domains; without a day those of an older version."""
    head = {"recommendation": name, "number": number, "target": json.dumps({"sciq": 1.0}), "budget": 1e9,
            "max_epochs": 4.0, "verdict": "better", "summary": "…", "gap": 0.0, "noise_from": "replicates"}  # fmt: skip
    if day:
        made = datetime(2026, 1, day, tzinfo=UTC).replace(tzinfo=None)
        head |= {"made_at": made, "target_text": "100 % qa", "settings": "{}", "evidence": "{}"}
    if at:  # records that are older than the column have none
        head["at_size"] = at
    weights = [
        {"recommendation": name, "domain": domain, "natural_weight": natural, "weight": own, "low": own - 0.05,
         "high": own + 0.05, "epochs": 1.0, "capped": False}
        for (domain, (natural, _)), own in zip(DOMAINS.items(), (1 - weight, weight), strict=True)
    ]  # fmt: skip
    files = {"recommendations": [head], "recommendation_weights": weights}
    return {table: record(folder, table, f"{swarm}/{number:06d}-{name}", rows) for table, rows in files.items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A catalog of two swarms' recommendations, one at another size and one by an older version; two documents."""
    folder = tmp_path_factory.mktemp("it's work")
    made = [
        recommend(folder, "now", 1, "recommendation-aa", 0.4, day=3),
        recommend(folder, "now", 2, "recommendation-ab", 0.6, day=5),
        recommend(folder, "now", 3, "recommendation-at", 0.7, day=6, at="1B:20B"),
        recommend(folder, "before", 7, "recommendation-c", 0.9),
    ]
    columns = {name: None for name in OVER_FILES["documents"].columns}
    rows = [
        columns | {"id": name, "domain": "web", "bucket": bucket, "text": name} for name, bucket in (("x", 3), ("y", 9))
    ]
    write_parquet(pl.DataFrame(rows), folder / "stages" / "pool" / "a.parquet")
    current = {table: [files[table] for files in made] for table in ("recommendations", "recommendation_weights")}
    rebuild_catalog(Folder(folder), current | {"documents": ["stages/pool/*.parquet"]}, "now")  # type: ignore[arg-type]
    return folder


@pytest.fixture
def plain(built):
    """It, opened as anybody would."""
    with duckdb.connect(str(built / "catalog.duckdb"), read_only=True) as catalog:
        yield catalog


def test_all_has_a_comment(plain):
    for kind, name in (
        ("tables", "table_name"),
        ("views", "view_name"),
        ("columns", "column_name"),
        ("functions", "function_name"),
    ):
        bare = plain.sql(f"select {name} from duckdb_{kind}() where not internal and trim(coalesce(comment, '')) = ''")
        assert bare.fetchall() == []


def test_no_comment_only_repeats_a_name(plain):
    names = "select table_name, column_name from duckdb_columns() where not internal and comment = column_name"
    assert plain.sql(names).fetchall() == []


def test_an_older_duckdb_can_open_it(built):
    """The file's version of DuckDB 1.0; the installed one would write a version that 1.5 refuses."""
    assert int.from_bytes((built / "catalog.duckdb").read_bytes()[12:20], "little") == 64


def test_columns_are_those_of_the_schema(plain):
    made = dict(plain.sql("select table_name, list(column_name order by column_index) from duckdb_columns() "
                          "where not internal group by all").fetchall())  # fmt: skip
    assert made.pop("meta")
    assert made == {name: list(about.columns) for name, about in (TABLES | VIEWS | OVER_FILES).items()}
    macros = plain.sql("select function_name from duckdb_functions() where not internal").fetchall()
    assert {name for (name,) in macros} == {*MACROS}


def test_recommendations_of_all_days_are_in_one_query(plain):
    rows = plain.sql("select recommendation, made_at, swarm, current from recommendations order by 1").fetchall()
    assert rows == [
        ("recommendation-aa", datetime(2026, 1, 3), "now", True),
        ("recommendation-ab", datetime(2026, 1, 5), "now", True),
        ("recommendation-at", datetime(2026, 1, 6), "now", True),
        ("recommendation-c", None, "before", False),
    ]
    code = "select recommendation, target_text, weight from recommended_mixes where domain = 'code'"
    assert plain.sql(code).fetchall() == [
        ("recommendation-c", None, 0.9), ("recommendation-aa", "100 % qa", 0.4), ("recommendation-ab", "100 % qa", 0.6),
        ("recommendation-at", "100 % qa", 0.7),
    ]  # fmt: skip


def test_an_answer_at_a_size_says_so_and_others_say_nothing(plain):
    query = "select recommendation from recommendations where at_size is null order by 1"
    assert [name for (name,) in plain.sql(query).fetchall()] == [f"recommendation-{end}" for end in ("aa", "ab", "c")]
    for table in ("recommendations", "recommended_mixes"):
        sizes = plain.sql(f"select distinct recommendation, at_size from {table} where at_size = '1B:20B'").fetchall()
        assert sizes == [("recommendation-at", "1B:20B")]


def test_the_latest_is_the_current_swarms_at_its_own_size(plain):
    assert plain.sql("select recommendation from latest_recommendation").fetchall() == [("recommendation-ab",)]
    assert set(plain.sql("select recommendation from recommended_vs_natural").fetchall()) == {("recommendation-ab",)}


def test_two_side_by_side(plain):
    rows = plain.sql(
        "select domain, weight_a, weight_b, change, apart from compare('aa', 'recommendation-c')"
    ).fetchall()
    assert [(row[0], row[4]) for row in rows] == [("code", True), ("web", True)]
    assert rows[0][1:4] == pytest.approx((0.4, 0.9, 0.5))
    assert plain.sql("select any_value(weight_a) from compare('a', 'c') where domain = 'code'").fetchall() == [
        (0.7,)
    ], "of several that begin so, the latest"
    with pytest.raises(duckdb.Error, match="no recommendation begins with x"):
        plain.sql("from compare('aa', 'x')").fetchall()


def test_documents_of_a_domain_and_bucket(plain):
    assert plain.sql("select id from documents_of('web')").fetchall() == [("y",), ("x",)]
    assert plain.sql("select id from documents_of('web', 3)").fetchall() == [("x",)]
    assert plain.sql("from contaminated").fetchall() == []


def test_a_moved_work_folder_is_read_where_it_is(built, tmp_path):
    moved = tmp_path / "o'ther"
    shutil.copytree(built, moved)
    assert len(query_catalog(moved / "catalog.duckdb", "from documents")) == 2
    with duckdb.connect(str(moved / "catalog.duckdb"), read_only=True) as catalog:
        shutil.move(built / "stages", built / "away")
        try:
            with pytest.raises(duckdb.Error, match="No files found"):
                catalog.sql("from documents").fetchall()
            catalog.execute("set variable work_folder = '{}'".format(str(moved).replace("'", "''")))
            assert len(catalog.sql("from documents").fetchall()) == 2
        finally:
            shutil.move(built / "away", built / "stages")


def test_a_copied_file_alone_gives_its_tables(built, tmp_path):
    alone = tmp_path / "elsewhere.duckdb"
    shutil.copy(built / "catalog.duckdb", alone)
    with duckdb.connect(str(alone), read_only=True) as catalog:
        for name in (*TABLES, *VIEWS):
            catalog.sql(f"from {name}").fetchall()
    assert len(query_catalog(alone, "from recommended_mixes")) == 8
    with pytest.raises(ExperimentError, match="copy the whole work folder"):
        query_catalog(alone, "from documents")


def test_without_a_query_all_is_listed(built):
    listed = here("sql", "--catalog", "catalog.duckdb", folder=built).stdout
    for name, about in (TABLES | VIEWS | OVER_FILES | MACROS).items():
        assert name in listed
        assert about.comment in listed


def test_rows_for_programs(built):
    query = (
        "select null as n, true as yes, 'a\nb,c' as text, 'nan'::double as odd, [1, 2] as list, {'k': 1} as struct, "
        "timestamp '2026-01-02 03:04:05' as time, 1.50::decimal(4, 2) as exact, 'x'::blob as bytes"
    )
    where = ("--catalog", "catalog.duckdb")
    (row,) = json.loads(here("sql", query, "--json", *where, folder=built).stdout)
    assert row == {
        "n": None, "yes": True, "text": "a\nb,c", "odd": None, "list": [1, 2], "struct": {"k": 1},
        "time": "2026-01-02T03:04:05", "exact": "1.50", "bytes": "78",
    }  # fmt: skip
    text = here("sql", query, "--csv", *where, folder=built).stdout
    (cells,) = csv.DictReader(io.StringIO(text))
    assert cells == {
        "n": "", "yes": "true", "text": "a\nb,c", "odd": "nan", "list": "[1, 2]", "struct": '{"k": 1}',
        "time": "2026-01-02T03:04:05", "exact": "1.50", "bytes": "78",
    }  # fmt: skip
    assert json.loads(here("sql", "from runs", "--json", *where, folder=built).stdout) == []
    listed = json.loads(here("sql", "--json", *where, folder=built).stdout)
    assert {"table", "view", "macro"} == {row["kind"] for row in listed}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--csv", "--json", "--catalog", "catalog.duckdb"), "give one of them"),
        (("from domains",), "give the experiment file and one query"),
        ((), "give the experiment file and one query"),
        (("a", "b", "c"), "give the experiment file and one query"),
    ],
)
def test_mistakes(built, words, line):
    assert line in said_here(built, "sql", *words)
