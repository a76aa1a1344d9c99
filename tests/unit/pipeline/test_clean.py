"""The pass that makes filtered documents clean: removals, equal texts, near duplicates, repeated passages."""

import json
from pathlib import Path

import polars as pl
import pytest
from support import made_up

from pipeline.dedup.exact import FindEqual
from pipeline.dedup.rounds import DedupSettings, choose_partitions, find_duplicates
from pipeline.errors import PipelineError
from pipeline.stages.clean import DropDuplicates, ReadDocuments, Remove, TrimRepeats
from pipeline.store.documents import SCHEMA, content_hash, write_rows
from pipeline.store.write_documents import WriteDocuments


def row(id: str, text: str, date: str = "", url: str = "", source: str = "x") -> dict:
    return {
        "id": id, "source": source, "url": url, "date": date, "hash": content_hash(text), "license": "", "domain": "",
        "bytes": len(text.encode()), "attributes": "{}", "text": text,
    }  # fmt: skip


def stage(folder: Path, *files: list[dict]) -> Path:
    for number, rows in enumerate(files):
        write_rows(rows, SCHEMA, folder / "documents" / f"{number:05d}.parquet")
    return folder


def run(name, steps, ranks):
    for rank in range(ranks):
        data = None
        for step in steps:
            data = step.run(data, rank, ranks)
        list(data)


def test_of_equal_texts_the_newest_stays_ties_by_id(tmp_path):
    filtered = stage(
        tmp_path / "filter",
        [row("c", "same text", "2020"), row("a", "same  text", "2024")],
        [row("b", "same text", "2024"), row("d", "other", "2019"), row("e", "same text", "2025", source="y")],
    )
    for partitions in (1, 3):
        folder = tmp_path / f"dedup{partitions}"
        run("exact", [FindEqual(filtered, ["y"], folder)], partitions)
        lost = pl.read_parquet(folder / "exact" / "*.parquet").sort("id")
        assert lost.rows() == [(1, 0, "b", "a"), (0, 0, "c", "a")]


@pytest.fixture(scope="module")
def texts():
    return [made_up(240, seed) for seed in range(40)]


def test_every_round_in_one_pass_and_the_funnel_closes(texts, tmp_path):
    """Texts with one equal, one near and one partial copy, over two files, sources of their own."""
    near = texts[1].replace(texts[1].split()[20], "otherwise", 1)
    partial = "Begun elsewhere. " + texts[2][100:900] + " And ended elsewhere."
    one = [row(f"a{n}", text, "2020") for n, text in enumerate(texts)]
    two = [row("equal", texts[0], "2019"), row("near", near, "2019"), row("partial", partial, "2019")]
    free = [row("free", texts[3], "2018", source="y")]
    filtered = stage(tmp_path / "filter", one, two, free)
    off = {"x": frozenset(), "y": frozenset({"exact_dedup", "near_dedup", "repeats"})}
    for partitions in (1, 3):
        found, folder = tmp_path / f"found{partitions}", tmp_path / f"clean{partitions}"
        find_duplicates(filtered, off, DedupSettings(), partitions, found, run)
        steps = [
            ReadDocuments(filtered, off),
            DropDuplicates("exact_dedup", "exact duplicate", found / "exact", folder),
            DropDuplicates("near_dedup", "near duplicate", found / "near", folder),
            TrimRepeats(found / "repeats", folder),
            WriteDocuments(folder),
        ]
        run("clean", steps, 3)
        kept = {r["id"]: r["text"] for r in pl.read_parquet(folder / "documents" / "*.parquet").iter_rows(named=True)}
        assert set(kept) == {f"a{n}" for n in range(len(texts))} | {"partial", "free"}
        assert kept["partial"] == "Begun elsewhere. \nAnd ended elsewhere." or len(kept["partial"]) < 60
        assert kept["free"] == texts[3]
        funnel = pl.read_parquet(folder / "funnel" / "*" / "*.parquet")
        by_step = {step: funnel.filter(pl.col("step") == step) for step in funnel["step"].unique()}
        assert by_step["exact_dedup"]["documents"].sum() == len(one) + 4
        for before, after in (("exact_dedup", "near_dedup"), ("near_dedup", "repeats")):
            left = by_step[before].filter(pl.col("reason") == "kept")
            assert left["documents"].sum() == by_step[after]["documents"].sum()
            assert left["bytes_out"].sum() == by_step[after]["bytes_in"].sum()
    assert (tmp_path / "clean1" / "documents" / "00001.parquet").read_bytes() == (
        tmp_path / "clean3" / "documents" / "00001.parquet"
    ).read_bytes()


def test_partitions_are_chosen_from_the_text_unless_given(tmp_path):
    filtered = stage(tmp_path / "filter", [row("a", "text")])
    assert choose_partitions(filtered, DedupSettings()) == 1
    assert choose_partitions(filtered, DedupSettings(partitions=7)) == 7


@pytest.mark.parametrize(
    ("entry", "removed"),
    [
        ("a", {"a"}),
        ("https://example.org/1", {"a"}),
        ("http://EXAMPLE.org/1/", {"a"}),
        ("example.org", {"a", "b"}),
        ("org", {"a", "b", "c"}),
        ("other.example", set()),
    ],
)
def test_removal_lists(tmp_path, entry, removed):
    urls = {"a": "https://example.org/1", "b": "https://www.example.org/2", "c": "https://else.org/", "d": ""}
    filtered = stage(tmp_path / "filter", [row(id, f"text {id}", url=url) for id, url in urls.items()])
    (tmp_path / "remove.txt").write_text(f"# asked for by their owners\n{entry}\n")
    steps = [ReadDocuments(filtered, {}), Remove([tmp_path / "remove.txt"], tmp_path), WriteDocuments(tmp_path / "c")]
    run("remove", steps, 1)
    kept = set(pl.read_parquet(tmp_path / "c" / "documents" / "*.parquet")["id"])
    assert set(urls) - kept == (removed if entry != "org" else set())
    counted = pl.read_parquet(tmp_path / "funnel" / "removals" / "*.parquet")
    assert counted["documents"].sum() == 4


def test_a_removal_list_that_is_no_text(tmp_path):
    (tmp_path / "remove.txt").write_bytes(b"\x00\x01")
    with pytest.raises(PipelineError, match=r"removals: remove\.txt line 1 is not text"):
        Remove([tmp_path / "remove.txt"], tmp_path)


def test_attributes_and_origin_survive_the_pass(tmp_path):
    given = {**row("a", "text", "2020", "https://example.org"), "license": "CC0", "attributes": json.dumps({"k": [1]})}
    filtered = stage(tmp_path / "filter", [given])
    run("copy", [ReadDocuments(filtered, {}), WriteDocuments(tmp_path / "c")], 1)
    assert pl.read_parquet(tmp_path / "c" / "documents" / "*.parquet").rows(named=True) == [given]
