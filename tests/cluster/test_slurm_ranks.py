"""Ranks as jobs of a real Slurm: the same bytes, whatever is killed; arrays under the site's limit; what it refuses."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from cohorts import scores, train
from filtering import RANKS, completed, experiment, filtered, kill, start
from rank_steps import Failing, Signed, check_failing_ranks, shard_of, tries
from real_clusters import PATHS, SLURM, until
from slurm_node import CPUS, LONGEST_ARRAY

from pipeline.errors import PipelineError, RanksFailed
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings


def queue() -> list[str]:
    """Ids of the jobs that have not ended."""
    asked = ["squeue", "--noheader", "--format=%F"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def arrays(folder: Path) -> set[str]:
    """Ids of the arrays whose jobs left an output."""
    return {file.name.partition("_")[0] for file in folder.glob("work/stages/*filter-*/logs/slurm_logs/*.out")}


def test_slurm_makes_the_same_bytes_whatever_is_killed(tiny, tmp_path, truth, nodes):
    path = experiment(
        tiny, tmp_path, {**SLURM, "workers": 1, "max_array_size": 3}
    )  # jobs one after another, so that there is time
    process = start(path)
    until(lambda: completed(tmp_path), process, tmp_path)
    kill(process, signal.SIGKILL)
    assert queue(), "the jobs of a driver that was killed go on"
    process = start(path)
    until(lambda: len(completed(tmp_path)) > 2, process, tmp_path)
    assert len(arrays(tmp_path)) == 1, "the second driver waits for them"
    kill(process, signal.SIGINT)
    assert process.returncode not in (0, -signal.SIGKILL)
    deadline = time.monotonic() + 30
    while queue():
        assert time.monotonic() < deadline, "a driver that is interrupted cancels them"
        time.sleep(0.1)
    left = completed(tmp_path)
    assert 2 < len(left) < RANKS
    assert filtered(experiment(tiny, tmp_path, {**SLURM, "workers": CPUS})) == truth
    assert len(arrays(tmp_path)) == 2
    (stage,) = (tmp_path / "work" / "stages").glob("filter-*")
    assert left == {rank: (stage / "documents" / f"{rank}.parquet").stat().st_mtime_ns for rank in left}


def test_a_swarm_scores_as_on_this_machine(evidence, tmp_path, nodes, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PATHS)
    train(evidence, tmp_path / "here")
    train(evidence, tmp_path / "slurm", executor=ExecutorSettings(**SLURM))
    assert scores(tmp_path / "slurm").equals(scores(tmp_path / "here"))
    assert list((tmp_path / "slurm" / "logs").glob("*/slurm_logs/*.out"))


def outputs(folder: Path) -> dict[str, int]:
    """Jobs of each array, by its id."""
    arrays = [file.name.partition("_")[0] for file in (folder / "logs" / "slurm_logs").glob("*.out")]
    return {array: arrays.count(array) for array in arrays}


def test_ranks_that_fail(tmp_path, nodes, monkeypatch):
    check_failing_ranks(tmp_path, ExecutorSettings(**SLURM), monkeypatch)


@pytest.mark.parametrize(("settings", "arrays"), [({}, 3), ({"max_array_size": 100}, 3), ({"ranks_per_job": 3}, 1)])
def test_more_ranks_than_an_array_may_hold(tmp_path, nodes, monkeypatch, settings, arrays):
    """By the cluster's own limit, also where the settings exceed it."""
    monkeypatch.setenv("PYTHONPATH", PATHS)
    ranks = 2 * LONGEST_ARRAY + 1
    run_steps("filter", [Signed(tmp_path)], ranks, tmp_path / "logs", ExecutorSettings(**{**SLURM, **settings}))
    assert [(tmp_path / f"signed-{rank}").read_text().split()[1] for rank in range(ranks)] == ["True"] * ranks
    jobs = outputs(tmp_path)
    assert max(jobs.values()) <= LONGEST_ARRAY
    assert len(jobs) >= arrays


def test_a_rank_that_fails_or_is_cancelled_leaves_the_others_of_its_job(tmp_path, nodes, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PATHS)
    plan = {0: ("mistake", 9), 4: ("cancelled", 9)}
    settings = ExecutorSettings(**{**SLURM, "ranks_per_job": 4})
    with pytest.raises(RanksFailed) as raised:
        run_steps("filter", [Failing(tmp_path, plan)], 6, tmp_path / "logs", settings, part_of=shard_of)
    told = str(raised.value)
    assert "rank 0 (web/0.warc.gz) failed: sources.x" in told
    assert "rank 4 (web/4.warc.gz) failed: it was cancelled (slurmstepd" in told
    assert [tries(tmp_path, rank) for rank in range(5)] == [1] * 5
    assert "slurm_logs" in told


def test_what_slurm_refuses_is_one_line(tmp_path, nodes):
    for wrong in ({"partition": "gpu"}, {"gres": "gpu:1"}, {"constraint": "icelake"}):
        with pytest.raises(
            PipelineError, match=r"filter: Slurm refused the job \(.*\) — see partition, time"
        ) as raised:
            run_steps(
                "filter",
                [Signed(tmp_path)],
                5,
                tmp_path / "logs",
                ExecutorSettings(**{**SLURM, "stages": {"filter": wrong}}),
            )
        assert "\n" not in str(raised.value)
