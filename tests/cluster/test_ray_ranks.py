"""Ranks as actors of a real Ray cluster: the same bytes, whatever is killed; GPUs by rank; what it cannot run."""

import signal

import pytest
from cohorts import scores, train
from filtering import RANKS, completed, experiment, filtered, kill, start
from rank_steps import Placed, Signed, check_failing_ranks
from real_clusters import GPUS, until

from pipeline.errors import PipelineError
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings


@pytest.mark.filterwarnings("ignore:placement_group:DeprecationWarning")
def test_ray_makes_the_same_bytes_whatever_is_killed(tiny, tmp_path, truth, head, monkeypatch):
    folder = tmp_path / "own"
    process = start(experiment(tiny, folder, {"kind": "ray", "mem_per_cpu_gb": 1}))  # a cluster of its own
    until(lambda: completed(folder), process, folder)
    kill(process, signal.SIGKILL)
    left = completed(folder)
    assert 1 <= len(left) < RANKS
    path = experiment(tiny, folder, {"kind": "ray", "mem_per_cpu_gb": 1, "address": head})
    assert filtered(path) == truth
    (stage,) = (folder / "work" / "stages").glob("filter-*")
    assert left == {rank: (stage / "documents" / f"{rank}.parquet").stat().st_mtime_ns for rank in left}
    large = ExecutorSettings(kind="ray", cpus_per_task=1_000, address=head)
    with pytest.raises(PipelineError, match="a rank takes 1000 CPUs and 2000 GB, and no node of the Ray cluster has"):
        run_steps("filter", [Signed(tmp_path)], 5, tmp_path / "logs", large)
    failing = tmp_path / "failing"
    failing.mkdir()
    check_failing_ranks(failing, ExecutorSettings(kind="ray", mem_per_cpu_gb=1, address=head), monkeypatch)
    run_steps(
        "filter", [Signed(tmp_path)], 1, tmp_path / "logs", ExecutorSettings(kind="ray", mem_per_cpu_gb=1, address=head)
    )
    assert (tmp_path / "signed-0").read_text().endswith("True")


@pytest.mark.filterwarnings("ignore:placement_group:DeprecationWarning")
def test_a_swarm_scores_as_on_this_machine(evidence, tmp_path, head):
    train(evidence, tmp_path / "here")
    train(evidence, tmp_path / "ray", executor=ExecutorSettings(kind="ray", mem_per_cpu_gb=1, address=head))
    assert scores(tmp_path / "ray").equals(scores(tmp_path / "here"))


@pytest.mark.filterwarnings("ignore:placement_group:DeprecationWarning")
def test_ray_gives_every_rank_a_gpu_of_its_own_where_they_ask(tmp_path, head):
    settings = ExecutorSettings(kind="ray", cpus_per_task=1, mem_per_cpu_gb=1, address=head)
    run_steps("swarm", [Placed(tmp_path)], GPUS, tmp_path / "logs", settings, gpus=1)
    assert {(tmp_path / f"gpu-{rank}").read_text() for rank in range(GPUS)} == {"0", "1"}
    with pytest.raises(PipelineError, match=r"takes 1 CPUs and 1 GB and 3 GPU, and no node .* or proxy\.device: cpu"):
        run_steps("swarm", [Placed(tmp_path)], 5, tmp_path / "logs", settings, gpus=GPUS + 1)
