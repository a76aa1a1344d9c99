"""Secrets in addresses and in the environment are stored and shown nowhere; names in data lead to no other folder."""

import json
import os
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from support import here, said_here, write_lines

from mixes.show.secrets import is_secret_name, masked, set_secret

PASSWORD, SIGNATURE, KEY, GIVEN = "pLanted-pw-73", "pLanted5ignature", "pLantedAwsKey/73", "pLantedForARun"
PLANTED = (PASSWORD, SIGNATURE, KEY, GIVEN)
BLOCK = "{{ prefect.blocks.secret.s3-key }}"


@pytest.fixture
def planted(tiny, web) -> str:
    """A smaller experiment, whose books come from an address with a password and a signature."""
    address = web.url.replace("://", f"://ann:{PASSWORD}@") + f"/books/a.jsonl.zst?part=1&X-Amz-Signature={SIGNATURE}"
    web.files["books/a.jsonl.zst"] = b"".join(
        (tiny / "books" / f"{name}.jsonl.zst").read_bytes() for name in ("a", "b")
    )
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"] = {name: content["sources"][name] for name in ("web", "books")}
    content["sources"]["books"]["path"] = address
    content["sources"]["web"]["topics"] = False
    content |= {"work": "planted", "swarm": {"mixes": 12, "max_epochs": 8}}
    content["deploy"] = {"env": {"A_VALUE": GIVEN, "S3_KEY": BLOCK}}
    del content["topics"]
    (tiny / "planted.yaml").write_text(yaml.safe_dump(content))
    return address


def test_a_planted_secret_is_nowhere(tiny, planted, monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, KEY)
    shown = []
    for command, *more in (
        ("recommend",), ("report",), ("export", "--format", "olmo-core"), ("plan",), ("status",), ("gc",),
        ("blend", "blended", "--tokens", "20k"), ("catalog", "--portable", "portable.duckdb"),
    ):  # fmt: skip
        done = here(command, "planted.yaml", *more, folder=tiny)
        assert done.returncode == 0, done.stderr
        shown += [done.stdout, done.stderr]
    assert not [secret for secret in PLANTED if secret in "".join(shown)]
    written = [path for path in tiny.rglob("*") if path.is_file() and path.name != "planted.yaml"]
    assert [path for path in written if any(secret in _text_of(path) for secret in PLANTED)] == []
    sources = here("sql", "planted.yaml", "from sources where source = 'books'", "--json", folder=tiny)
    assert json.loads(sources.stdout)[0]["path"].startswith("http://***@127.0.0.1:")
    (resolved,) = (tiny / "planted" / "experiments").glob("*.yaml")
    assert yaml.safe_load(resolved.read_text())["deploy"]["env"] == {"A_VALUE": "***", "S3_KEY": BLOCK}


def _text_of(path: Path) -> str:
    """All that a file says, unpacked."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return str(pl.read_parquet(path).to_dicts()) + str(content)
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as catalog:
            tables = [row[0] for row in catalog.execute("select table_name from duckdb_tables()").fetchall()]
            return str(content) + str([catalog.execute(f"from {table}").fetchall() for table in tables])
    return content.decode(errors="replace")


def test_an_error_line_masks_them(tiny, planted, web):
    del web.files["books/a.jsonl.zst"]
    content = yaml.safe_load((tiny / "planted.yaml").read_text())
    for place, value in (
        (("sources", "books", "path"), planted.replace("a.jsonl", "*.jsonl")),
        (("sources", "books", "path"), planted.replace("http", "nosuch", 1)),
        (("quality", "model"), planted),
    ):
        other = json.loads(json.dumps(content))
        part = other
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = value
        (tiny / "wrong.yaml").write_text(yaml.safe_dump({**other, "work": "wrong"}))
        line = said_here(tiny, "prepare", "wrong.yaml")
        assert "***@" in line
        assert not [secret for secret in PLANTED if secret in line]


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (("deploy", "env"), {"HF_TOKEN": "abc"}, "deploy.env: HF_TOKEN: its value would stand in plain text"),
        (("deploy", "env"), {"openai_api_key": "abc"}, "deploy.env: openai_api_key: its value"),
        (("executor", "env_command"), "export HF_TOKEN='abc'; true", "executor: env_command sets HF_TOKEN"),
        (("executor", "stages"), {"swarm": {"env_command": "MY_SECRET=abc"}}, "env_command sets MY_SECRET"),
    ],
)
def test_a_secret_where_it_would_be_stored_is_refused(tiny, place, value, line):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["executor"] |= {"kind": "slurm", "partition": "cpu", "time": "00:10:00"}
    content.setdefault(place[0], {})[place[1]] = value
    (tiny / "wrong.yaml").write_text(yaml.safe_dump(content))
    said = said_here(tiny, "prepare", "wrong.yaml")
    assert line in said
    assert "abc" not in said


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("HF_TOKEN", True), ("AWS_SECRET_ACCESS_KEY", True), ("password", True), ("TOKENIZERS_PARALLELISM", False),
        ("KEYBOARD", False), ("MONKEY", False), ("OMP_NUM_THREADS", False),
    ],
)  # fmt: skip
def test_names_of_secrets(name, is_secret):
    assert is_secret_name(name) is is_secret
    assert (set_secret(f"export {name}=abc") == name) is is_secret
    for value in ("$OTHER", '"$(cat file)"', "/run/secrets/a"):
        assert set_secret(f"export {name}={value}; cd /a") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://key:secret@bucket/a", "s3://***@bucket/a"),
        ("https://token@host/a", "https://***@host/a"),
        ("read https://a/b?sig=abc&se=2 and s3://b/c", "read https://a/b?sig=***&se=2 and s3://b/c"),
        (
            "https://a/b?AWSAccessKeyId=1&Signature=2&Expires=3",
            "https://a/b?AWSAccessKeyId=***&Signature=***&Expires=3",
        ),
        ("gs://a/b?x-goog-credential=1", "gs://a/b?x-goog-credential=***"),
        ("https://a/b?page=2#c@d", "https://a/b?page=2#c@d"),
        ("mail ann@example.org, no address", "mail ann@example.org, no address"),
        ("file:///data/a@b/c", "file:///data/a@b/c"),
        ("hf://datasets/org/name@main/a.parquet", "hf://datasets/org/name@main/a.parquet"),
    ],
)
def test_what_is_masked(text, shown):
    assert masked(text) == shown


HOSTILE = (
    "../../../outside", "/tmp/outside", "..", ".", "a/../../b", "con\nrol", "a\\..\\b", "~/outside", "$(touch outside)",
)  # fmt: skip


def test_names_in_data_stay_in_the_work_folder(tiny):
    rows = [
        {"id": f"{name}-{number}", "text": f"{words} {number} of {name} " * 200, "topic": name}
        for name in HOSTILE
        for number, words in enumerate(("tall trees grow", "cold water runs", "old songs end", "new cars stop") * 5)
    ]
    write_lines(tiny / "hostile" / "a.jsonl.zst", rows)
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"] = {"code": content["sources"]["code"]}
    del content["quality"], content["topics"]
    content["sources"]["hostile"] = {
        "path": "hostile/*.zst", "format": "jsonl", "filters": False, "fields": {"domain": "topic"},
        "without": ["near_dedup", "repeats"],
    }  # fmt: skip
    content |= {"work": "inside", "removals": ["removed.txt"], "proxy": {**content["proxy"], "context": 16}}
    (tiny / "removed.txt").write_text("../../../outside\n/etc/passwd\nhttp://a/../b\n")
    (tiny / "hostile.yaml").write_text(yaml.safe_dump(content))
    before = {*tiny.iterdir(), *Path("/tmp").glob("outside*")}
    assert here("prepare", "hostile.yaml", folder=tiny).returncode == 0
    assert {*tiny.iterdir(), *Path("/tmp").glob("outside*")} == {*before, tiny / "inside"}
    root = (tiny / "inside").resolve()
    assert all(path.resolve().is_relative_to(root) for path in root.rglob("*"))
    domains = here("sql", "hostile.yaml", "select domain from domains", "--json", folder=tiny)
    names = [row["domain"] for row in json.loads(domains.stdout)]
    assert len([name for name in names if name.startswith("hostile/")]) == len(HOSTILE), names
    assert not [name for name in names if ".." in name.split("/") or name.startswith("/") or os.sep * 2 in name]


def test_a_source_or_list_that_leads_out_is_refused(tiny):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    for name in ("../books", "/books", "a/b", "..", ".books"):
        (tiny / "wrong.yaml").write_text(yaml.safe_dump({**content, "sources": {name: content["sources"]["books"]}}))
        assert "cannot be a source's name" in said_here(tiny, "prepare", "wrong.yaml")
