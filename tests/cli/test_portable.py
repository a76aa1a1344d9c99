"""`mixwright catalog --portable`: one file that answers every question where nothing else of the work folder is."""

import json
import shutil
import subprocess
import sys

import duckdb
import pytest
from support import ROOT, here, said_here

sys.path.insert(0, str(ROOT / "docs"))

from catalog_questions import QUESTIONS

PLAIN = """
import json, sys, duckdb
catalog = duckdb.connect(sys.argv[1], read_only=True)
print(json.dumps([len(catalog.sql(query).fetchall()) for query in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def moved(tiny, finished, tmp_path_factory):
    """The copy on "another machine": the work folder is gone."""
    file = tmp_path_factory.mktemp("elsewhere") / "catalog.duckdb"
    done = here("catalog", "experiment.yaml", "--portable", str(file), folder=tiny)
    assert not done.returncode, done.stderr
    (tiny / "work").rename(tiny / "gone")
    yield file
    (tiny / "gone").rename(tiny / "work")


def test_plain_duckdb_answers_every_question(moved, finished):
    names = {"domain": "encyclopedia", "bucket": "0", "family": "code", "a": finished["id"], "b": finished["id"]}
    questions = [question.asked(names) for question in QUESTIONS]
    counted = [*questions, "from documents", "from dropped", "from refused", "from contaminated"]
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(moved)], input=json.dumps(counted), capture_output=True, text=True, check=True
    )
    rows = dict(zip(counted, json.loads(done.stdout), strict=True))
    assert rows["from documents"]
    assert rows["from dropped"]
    assert rows[questions[0]]


def test_it_names_nothing_of_this_machine_and_keeps_every_comment(moved, tiny):
    with duckdb.connect(str(moved), read_only=True) as catalog:
        kinds = "data_type in ('VARCHAR', 'JSON') and not internal"
        texts = f"select table_name, column_name from duckdb_columns() where {kinds}"
        tables = {row[0] for row in catalog.execute("select table_name from duckdb_tables()").fetchall()}
        for table, column in catalog.execute(texts).fetchall():
            if table in tables:
                holding = f'select count(*) from {table} where contains("{column}"::varchar, $1)'
                assert catalog.execute(holding, [str(tiny)]).fetchall() == [(0,)], (table, column)
        assert not catalog.execute("select sql from duckdb_views() where contains(sql, 'read_parquet')").fetchall()
        for kind in ("tables", "views", "columns", "functions"):
            bare = f"select 1 from duckdb_{kind}() where not internal and comment is null"
            assert not catalog.execute(bare).fetchall()
        held, of, place = catalog.execute("select documents_held, documents_of, work_folder from meta").fetchall()[0]
        assert 0 < held < of
        assert place == ""
        assert catalog.execute("select count(*) from documents").fetchall() == [(held,)]
        assert catalog.execute("select max(length(text)) from documents").fetchall()[0][0] <= 4_000
        most = "select max(n) from (select count(*) as n from documents group by domain, bucket)"
        assert catalog.execute(most).fetchall() == [(20,)]
    shown = here("sql", "--catalog", str(moved), "select count(*) from documents", "--json", folder=tiny)
    assert json.loads(shown.stdout) == [{"count_star()": held}]


def test_what_it_takes_and_what_it_replaces(whole_run, tmp_path):
    tiny = shutil.copytree(whole_run, tmp_path / "again")
    file = tmp_path / "new" / "c.duckdb"
    for words, most, documents in ((("--texts",), 10**9, True), (("--no-documents",), 4_000, False)):
        assert not here("catalog", "experiment.yaml", "--portable", str(file), *words, folder=tiny).returncode
        with duckdb.connect(str(file), read_only=True) as catalog:
            count, longest = catalog.execute("select count(*), max(length(text)) from documents").fetchall()[0]
            assert bool(count) == documents
            assert (longest or 0) <= most
            assert not documents or longest > 4_000
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    whole = shutil.copy(tiny / "work" / "catalog.duckdb", tmp_path)
    for taken in (other, whole, tmp_path):
        line = said_here(tiny, "catalog", "experiment.yaml", "--portable", str(taken))
        assert "is no portable catalog" in line
    assert other.read_text() == "mine"
