"""`mixwright blend` and `verify-blend` on a finished experiment, as a user runs them."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from support import here, mixwright

from pipeline.blend.manifest import read_manifest


@pytest.fixture(scope="module")
def blends(tiny, finished) -> Path:
    """A blend as JSONL, and one that goes on from it."""
    mixwright("blend", "experiment.yaml", "first", "--tokens", "60k", "--shard", "20k", folder=tiny)
    mixwright("blend", "experiment.yaml", "second", "--tokens", "60k", "--after", "first", folder=tiny)
    return tiny


def failed(*words: str, folder: Path) -> str:
    done = here(*words, folder=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_dry_run_prints_the_table_and_writes_nothing(tiny, finished):
    shown = here("blend", "experiment.yaml", "nothing", "--tokens", "60k", "--dry-run", folder=tiny)
    assert shown.returncode == 0
    assert not (tiny / "nothing").exists()
    for domain, weight in finished["mix"].items():
        if weight > 0.001:
            assert f"{weight:.2%}" in next(line for line in shown.stdout.splitlines() if domain in line)


def test_a_blend_holds_the_recommended_mix_and_is_recounted(blends, finished):
    manifest = read_manifest(blends / "first", "")
    assert manifest.recommendation == finished["id"]
    for row in manifest.domains:
        assert row.weight == finished["mix"][row.domain]
    assert sum(name.endswith(".jsonl.zst") for name in manifest.shards) == 3
    shown = here("verify-blend", "first", folder=blends)
    assert shown.returncode == 0
    assert f"Whole: 3 files, {manifest.documents:,} documents and {manifest.tokens:,} tokens." in shown.stdout


def test_damage_is_reported_with_exit_code_1(blends):
    shutil.copytree(blends / "first", blends / "damaged")
    shard = blends / "damaged" / "part-00001.jsonl.zst"
    shard.write_bytes(shard.read_bytes()[:-1])
    shown = here("verify-blend", "damaged", "--json", folder=blends)
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["problems"][0].startswith("part-00001.jsonl.zst: has")


def test_a_blend_goes_on_from_another(blends):
    first, second = (read_manifest(blends / name, "") for name in ("first", "second"))
    assert second.after == first.id
    for row, later in zip(first.domains, second.domains, strict=True):
        assert later.used_epochs == pytest.approx(row.epochs + later.epochs, abs=1e-9)


def test_blends_are_in_the_catalog(blends):
    with duckdb.connect(str(blends / "work" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select format, tokens, after, folder from blends order by after nulls first").fetchall()
        domains = catalog.sql("select sum(tokens) from blend_domains").fetchall()[0][0]
    first, second = (read_manifest(blends / name, "") for name in ("first", "second"))
    assert [row[:3] for row in rows] == [("jsonl", first.tokens, None), ("jsonl", second.tokens, first.id)]
    assert [Path(row[3]).name for row in rows] == ["first", "second"]
    assert domains == first.tokens + second.tokens


def test_two_phases(tiny, finished):
    shown = mixwright(
        "blend", "experiment.yaml", "phases", "--tokens", "60k", "--anneal", finished["id"], "--anneal-tokens", "40k",
        "--format", "olmo-core", folder=tiny,
    )  # fmt: skip
    assert "Epochs over both phases" in shown.stdout
    pretraining, midtraining = (read_manifest(tiny / "phases" / name, "") for name in ("pretraining", "midtraining"))
    assert midtraining.after == pretraining.id
    assert abs(midtraining.tokens - 40_000) < 2_000


def test_bad_input_is_one_line(blends, finished):
    """Every mistake is reported before anything is written."""
    wrong = {
        ("x", "--tokens", "60k", "--format", "olmocore"): "--format 'olmocore': is no format of a blend — did you mean",
        ("x", "--tokens", "many"): "--tokens: 'many' is not a number of tokens",
        ("x", "--tokens", "60k", "--recommendation", "recommendation-x"): f"known are, newest first: {finished['id']}",
        ("x", "--tokens", "90B"): "would be repeated",
        ("work", "--tokens", "60k"): "work holds other files",
        ("experiment.yaml", "--tokens", "60k"): "experiment.yaml is no folder",
        ("first", "--tokens", "50k"): "first holds another blend",
        ("x", "--tokens", "60k", "--after", "work"): "there is no manifest.json",
        ("x", "--tokens", "60k", "--anneal", finished["id"]): "give --anneal and --anneal-tokens, or neither",
    }
    for words, line in wrong.items():
        assert line in failed("blend", "experiment.yaml", *words, folder=blends)
    assert not (blends / "x").exists()
    manifest = blends / "edited.json"
    manifest.write_text((blends / "first" / "manifest.json").read_text().replace('"seed": 3', '"seed": 4'))
    assert "was edited or damaged" in failed(
        "blend", "experiment.yaml", "x", "--tokens", "60k", "--after", "edited.json", folder=blends
    )


def test_a_changed_pool_makes_its_recommendation_stale(tiny, finished, tmp_path):
    folder = Path(shutil.copytree(tiny, tmp_path / "changed", ignore=shutil.ignore_patterns("first", "second")))
    (folder / "code" / "b.jsonl.zst").unlink()
    line = failed("blend", "experiment.yaml", "x", "--tokens", "60k", folder=folder)
    assert "its pool is stale" in line
    assert "mixwright run" in line
