"""A damaged work folder heals: the same command gives the same answer, whatever was cut, emptied, flipped or lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import ROOT, here

from pipeline.store import stage


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :]


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "flipped": lambda content: flipped(content, len(content) // 2),
}
FILES = {
    "current.json": ("cut", "flipped"),
    "stages/hashes.json": ("emptied", "flipped"),
    "stages/recommend-*/recommendation.json": ("cut", "emptied", "flipped"),
    "stages/pool-*/stage.json": ("emptied",),
    "stages/pool-*/manifest.json": ("flipped",),
    "stages/filter-*/funnel/read/00000.parquet": ("flipped",),
    "stages/tokenise-*/tokens/00000/*.bin": ("cut",),
    "records/scores/*.parquet": ("cut", "flipped"),
    "records/recommendation_weights/*/*.parquet": ("flipped",),
    "records/funnel/*.parquet": ("emptied",),
    "catalog.duckdb": ("cut",),
}


@pytest.fixture
def fresh(monkeypatch):
    """Forget which stages were looked at, as a new process does."""
    monkeypatch.setattr(stage, "_WHOLE", set())


def recommended(folder: Path, *options: str) -> tuple[dict, str]:
    done = here("recommend", "experiment.yaml", "--json", *options, folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def shown(folder: Path, query: str) -> str:
    done = here("sql", "experiment.yaml", query, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("pattern", "harm"), [(file, harm) for file, harms in FILES.items() for harm in harms])
def test_damage_heals(pattern, harm, tiny, finished, fresh):
    file = min((tiny / "work").glob(pattern))
    file.write_bytes(HARMS[harm](file.read_bytes()))
    recommendation, said = recommended(tiny)
    assert recommendation == finished
    assert "Traceback" not in said
    if not pattern.startswith(("catalog", "records/funnel")):  # what is written anew at every run needs no word
        assert "is damaged" in said
    assert "1.0" in shown(tiny, "select sum(weight)::decimal(3, 1) as whole from recommended_vs_natural")


def test_tokens_that_flipped_are_noticed_before_proxies_train(tiny, finished, fresh):
    tokens = max((tiny / "work").glob("stages/tokenise-*/tokens/00000/*.bin"), key=lambda file: file.stat().st_size)
    content = tokens.read_bytes()
    tokens.write_bytes(HARMS["flipped"](content))
    run = min((tiny / "work" / "records" / "runs").glob("*.parquet"))
    run.unlink()  # so that a proxy has to train
    recommendation, said = recommended(tiny)
    assert recommendation == finished
    assert "is not what was written" in said
    assert tokens.read_bytes() == content


def test_what_a_killed_rank_left_does_not_count_twice(tiny, finished, fresh, tmp_path):
    stages = tiny / "work" / "stages"
    tokenised = next(stages.glob("tokenise-*"))
    shutil.copytree(tokenised / "tokens" / "00000", tokenised / "tokens" / ".00000.123")
    before = next(stages.glob("pool-*/manifest.json")).read_bytes()
    shutil.rmtree(next(stages.glob("pool-*")))
    assert recommended(tiny)[0] == finished
    assert next(stages.glob("pool-*/manifest.json")).read_bytes() == before
    shutil.rmtree(tokenised / "tokens" / ".00000.123")


def test_a_log_of_another_writer_hides_no_catalog(tiny, finished, fresh):
    log = tiny / "work" / "catalog.duckdb.wal"
    log.write_bytes(b"left by another writer" * 20)
    shown(tiny, "select 1")
    recommended(tiny, "--target", "code=1")  # another catalog
    assert not log.exists()
    assert "code" in shown(tiny, "select domain from recommended_vs_natural")


def test_recommendations_at_the_same_time_are_all_there(tiny, finished):
    count = "select count(*) as n, count(distinct number) as numbers from recommendations"
    before = shown(tiny, count)
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "recommend", "experiment.yaml", "--target", f"code=0.{n}", "--target",
             "knowledge=0.5", "--json"],
            cwd=tiny, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for n in range(1, 5)
    ]  # fmt: skip
    for command in commands:
        _, said = command.communicate(timeout=300)
        assert command.returncode == 0, said
    numbers = [int(digits) for digits in before.replace("│", " ").replace("┆", " ").split() if digits.isdecimal()]
    wanted = numbers[0] + 4
    having = f"count(*) = {wanted} and count(distinct number) = {wanted}"
    assert "all there" in shown(tiny, f"select 'all there' as x from recommendations having {having}")
    assert "1.0" in shown(tiny, "select sum(weight)::decimal(3, 1) as whole from recommended_vs_natural")
