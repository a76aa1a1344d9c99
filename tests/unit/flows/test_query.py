"""A catalog is for reading: one SELECT, over the catalog and its work folder's records, and nothing else."""

import os

import duckdb
import polars as pl
import pytest

from flows.catalog.query import query_catalog
from flows.catalog.schema import VERSION
from flows.errors import ExperimentError


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    (folder / "stages" / "pool").mkdir(parents=True)
    (folder / "records").mkdir()
    pl.DataFrame({"text": ["kept"]}).write_parquet(folder / "stages" / "pool" / "a.parquet")
    (folder / "experiment.yaml").write_text("secret")
    path = folder / "catalog.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(f"create table meta as select {VERSION} as schema_version")
        made.execute("create table mixes as select 'm' as mix, 'web' as domain, 0.5 as weight")
        made.execute(f"create view documents as from read_parquet('{folder}/stages/pool/*.parquet')")
        made.execute("create view hostile as from read_text('/etc/hostname')")
    return path


@pytest.mark.parametrize(
    "query",
    [
        "from mixes", "select 1", "show tables", "describe mixes", "summarize mixes", "with a as (from mixes) from a",
        "values (1)", "pivot mixes on domain using sum(weight)", "table mixes", "from documents", "select 1;",
        "-- a remark\nselect 1",
    ],
)  # fmt: skip
def test_what_is_read(catalog, query):
    assert len(query_catalog(catalog, query))


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to '{out}'", "copy mixes to '{out}'", "attach '{out}' as other", "export database '{out}'",
        "create table t (a int)", "insert into mixes values ('a', 'b', 1)", "delete from mixes", "drop table mixes",
        "install httpfs", "load httpfs", "set threads = 1", "pragma database_list", "select 1; drop table mixes",
        "explain analyze copy (select 1) to '{out}'", "call force_checkpoint()", "", ";", "-- x", "  ",
        "prepare q as select 1",
        "from read_text('/etc/hostname')", "from read_csv('/etc/passwd')", "from glob('/etc/*')", "from '{secret}'",
        "from read_text('{secret}')", "from read_text('{stages}/../experiment.yaml')",
        "from read_blob('/proc/self/environ')",
        "from read_parquet('http://127.0.0.1:9/x.parquet')", "from hostile", "from read_duckdb('{out}')",
        "set enable_external_access = true", "reset lock_configuration", "selec 1", "from nowhere", "select \0",
        "select * from \"/etc/passwd\"", "from '/etc/*.conf'", "from \"{secret}\"", "from '/proc/self/environ'",
        "with a as (from read_text('/etc/hostname')) from a", "select (select content from read_text('/etc/hostname'))",
        "select 1 where exists (from read_blob('/etc/hostname'))", "from read_text(['/etc/hostname', '/etc/hosts'])",
        "from mixes union all by name from read_csv_auto('/etc/passwd')", "from mixes, read_text('/etc/hostname')",
        "from query('from read_text(''/etc/hostname'')')", "from query_table('/etc/passwd')",
        "from query_table(['{secret}'])", "from query('copy mixes to ''{out}''')", "from query('install httpfs')",
        "from json_execute_serialized_sql(json_serialize_sql('from read_text(''/etc/hostname'')'))",
        "from read_json('/etc/hostname')", "from read_ndjson('{secret}')", "from sniff_csv('/etc/passwd')",
        "from parquet_metadata('/etc/passwd')", "from parquet_schema('http://127.0.0.1:9/a.parquet')",
        "from read_text('file:///etc/hostname')", "from read_text('s3://bucket/a')", "from 'https://127.0.0.1:9/a.csv'",
        "from read_parquet('hf://datasets/a/b.parquet')", "from glob(getvariable('work_folder') || '/../*')",
        "from read_text(getvariable('work_folder') || '/experiment.yaml')", "select getenv('HOME')",
        "/* copy */ copy mixes to '{out}'",
        "-- a remark\ncopy mixes to '{out}'", "(copy mixes to '{out}')", "set variable work_folder = '/etc'",
        "select set_config('threads', '1', false)", "pragma enable_external_access = true", "use catalog",
        "attach 'http://127.0.0.1:9/a.duckdb'", "detach catalog", "create temp table t as select 1", "checkpoint",
        "create macro m() as table from read_text('/etc/hostname')", "comment on table mixes is 'x'", "vacuum",
        "import database '{out}'", "begin", "alter table mixes add a int", "update mixes set weight = 1",
        "truncate mixes", "merge into mixes using mixes as o on true when matched then delete", "load '{out}'",
        "explain analyze insert into mixes values ('a', 'b', 1)",
        "pragma version; copy mixes to '{out}'", "execute q", "deallocate q",
    ],
)  # fmt: skip
def test_what_is_refused(catalog, query, tmp_path):
    places = {
        "out": tmp_path / "out",
        "secret": catalog.parent / "experiment.yaml",
        "stages": catalog.parent / "stages",
    }
    before = catalog.read_bytes()
    with pytest.raises(ExperimentError) as error:
        query_catalog(catalog, query.format(**places))
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value).replace(str(places["secret"]), "")
    assert not os.listdir(tmp_path)
    assert catalog.read_bytes() == before


def test_what_is_no_catalog(catalog, tmp_path):
    for content in (b"", b"no catalog", catalog.read_bytes()[:5_000]):
        (tmp_path / "c.duckdb").write_bytes(content)
        with pytest.raises(ExperimentError, match=r"mixwright run"):
            query_catalog(tmp_path / "c.duckdb", "select 1")
    with pytest.raises(ExperimentError, match="no file"):
        query_catalog(tmp_path, "select 1")
