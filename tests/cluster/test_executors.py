"""Where ranks run, and how often they are killed, never changes a byte: local processes, a real Slurm, a real Ray."""

import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from datatrove.pipeline.base import PipelineStep
from real_clusters import GPUS, PATHS, SLURM, until
from slurm_node import CPUS
from support import ROOT, SAMPLE, experiment_content

from flows.errors import ExperimentError
from flows.experiment import load_experiment
from mixes.proxy.malloc import MALLOC
from pipeline.errors import PipelineError
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings
from pipeline.executor.slurm import _array as slurm_array
from pipeline.stages.texts import compile_block_list, filter_shards

RANKS = 6  # four real web shards and two of papers
LOCAL = {"kind": "local", "workers": 2}
DRIVER = """
import signal, sys
from pathlib import Path
from flows.experiment import load_experiment
from pipeline.stages.texts import compile_block_list, filter_shards
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
corpus = load_experiment(Path(sys.argv[1])).corpus
filter_shards(corpus, compile_block_list(corpus), lambda done, ranks: None)
"""


def experiment(tiny: Path, folder: Path, executor: dict) -> Path:
    """An experiment file in a folder of its own, over shards that take about a second each."""
    content = experiment_content()
    web = {**content["sources"]["web"], "path": str(SAMPLE / "web" / "0000[0-3].warc.gz")}
    science = {**content["sources"]["science"], "path": str(tiny / "science" / "*.zst")}
    folder.mkdir(exist_ok=True)
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**content, "sources": {"web": web, "science": science}, "executor": executor}))
    return path


def filtered(path: Path) -> dict[str, str]:
    """Run the stage here; every Parquet file with its hash."""
    told = []
    corpus = load_experiment(path).corpus
    stage = filter_shards(corpus, compile_block_list(corpus), lambda *done: told.append(done))
    assert told[-1] == (RANKS, RANKS)
    found = sorted(stage.rglob("*.parquet"))
    assert len(list((stage / "documents").glob("*.parquet"))) == RANKS
    return {str(file.relative_to(stage)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def start(path: Path, **env: str) -> subprocess.Popen:
    """The stage in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path)], start_new_session=True, cwd=path.parent,
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)}, stderr=(path.parent / "stderr").open("wb"),
    )  # fmt: skip


def completed(folder: Path) -> dict[str, int]:
    """Ranks that are marked as completed, each with the time of its documents' last change."""
    markers = folder.glob("work/stages/.filter-*/logs/completions/*")
    return {
        marker.name: (marker.parents[2] / "documents" / f"{marker.name}.parquet").stat().st_mtime_ns
        for marker in markers
    }


def kill(process: subprocess.Popen, how: signal.Signals) -> None:
    os.killpg(process.pid, how)
    process.wait(timeout=60)


@pytest.fixture(scope="module")
def truth(tiny, tmp_path_factory) -> dict[str, str]:
    """What one undisturbed worker makes."""
    return filtered(experiment(tiny, tmp_path_factory.mktemp("truth"), {**LOCAL, "workers": 1}))


class Beating(PipelineStep):
    """Touches a file for two minutes."""

    type = name = "beating"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        for _ in range(1_200):
            (self.folder / f"beat-{rank}").touch()
            time.sleep(0.1)
        return iter(())


class Placed(PipelineStep):
    """Writes which GPUs a rank may use, and waits until another rank has: the two run at once."""

    type = name = "placed"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        (self.folder / f"gpu-{rank}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
        deadline = time.monotonic() + 60
        while len(list(self.folder.glob("gpu-*"))) < world_size:
            assert time.monotonic() < deadline, "the other rank never ran"
            time.sleep(0.05)
        return iter(())


class Judged(PipelineStep):
    """Writes what it finds of malloc's settings; rank 1 fails, rank 2 is cancelled where there is Slurm."""

    type = name = "judged"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        started_with = Path("/proc/self/environ").read_bytes()  # what malloc has read, not what Python changed since
        told = [f"{name}={value}".encode() in started_with for name, value in MALLOC.items()]
        (self.folder / str(rank)).write_text(str(all(told)))
        if rank == 1 and not (self.folder / "mended").exists():
            raise PipelineError("sources.x: this shard is bad")
        if rank == 2 and "SLURM_JOB_ID" in os.environ and not (self.folder / "mended").exists():
            task = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
            subprocess.run(["scancel", task], check=True)
            time.sleep(60)
        return iter(())


def judge(folder: Path, executor: ExecutorSettings, monkeypatch) -> str:
    """The error of ranks that fail, after which they are run again, and only they."""
    monkeypatch.setenv("PYTHONPATH", PATHS)
    with pytest.raises(PipelineError) as raised:
        run_steps([Judged(folder)], 4, folder / "logs", executor)
    ran = {rank: (folder / str(rank)).stat().st_mtime_ns for rank in range(4)}
    assert [(folder / str(rank)).read_text() for rank in range(4)] == ["True"] * 4
    (folder / "mended").touch()
    run_steps([Judged(folder)], 4, folder / "logs", executor)
    again = {rank for rank, when in ran.items() if (folder / str(rank)).stat().st_mtime_ns != when}
    assert 1 in again
    assert not again & {0, 3}
    return str(raised.value)


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        ({"kindd": "local"}, "unknown field 'executor.kindd' — did you mean 'kind'?"),
        ({"kind": "slurmm"}, "kind: must be one of local, slurm, ray — did you mean 'slurm'? (it is 'slurmm')"),
        ({"kind": "slurm", "partion": "cpu"}, "unknown field 'executor.partion' — did you mean 'partition'?"),
        ({"partition": "cpu"}, "executor: partition is of kind slurm, and kind is local — set kind: slurm or leave"),
        ({"kind": "ray", "time": "1:00"}, "executor: time is of kind slurm, and kind is ray"),
        ({"kind": "slurm", "address": "x:1", "partition": "cpu", "time": "1:00"}, "executor: address is of kind ray"),
        ({"kind": "slurm", "time": "1:00"}, "executor: kind slurm needs partition — `sinfo` lists"),
        ({"kind": "slurm", "partition": "cpu", "time": 43200}, "executor.time: write it in quotes, as"),
        ({"kind": "slurm", "partition": "a b", "time": "1:00"}, "executor.partition: string should match"),
        ({**SLURM, "sbatch": {"array": "0-9"}}, "executor: sbatch: array is set by mixwright"),
        ({**SLURM, "sbatch": {"wrap": "a\nb"}}, "executor.sbatch.wrap: string should match"),
        ({"workers": 0}, "executor.workers: input should be greater than or equal to 1 (it is 0)"),
    ],
)  # fmt: skip
def test_mistakes_in_the_section_are_one_line(tiny, tmp_path, executor, said):
    with pytest.raises(ExperimentError) as raised:
        load_experiment(experiment(tiny, tmp_path, executor))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_executor_is_no_part_of_the_experiment(tiny, tmp_path):
    loaded = [load_experiment(experiment(tiny, tmp_path, executor)) for executor in (LOCAL, SLURM, {"kind": "ray"})]
    assert len({one.id for one in loaded}) == 1
    for one in loaded:
        assert ExecutorSettings(**one.model_dump(mode="json")["executor"]) == one.executor


def test_a_cluster_that_is_not_there(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(PipelineError, match=rf"executor\.address: no Ray cluster at '{address}' .* `ray start --head`"):
        run_steps([Judged(tmp_path)], 1, tmp_path / "logs", ExecutorSettings(kind="ray", address=address))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match=r"no `sbatch` here — run on a login node, or set kind: local"):
        run_steps([Judged(tmp_path)], 1, tmp_path / "logs", ExecutorSettings(**SLURM))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match="Ray is not installed — run `pip install ray`"):
        run_steps([Judged(tmp_path)], 1, tmp_path / "logs", ExecutorSettings(kind="ray"))


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers_makes_the_same_bytes(tiny, tmp_path, truth, workers):
    assert filtered(experiment(tiny, tmp_path, {**LOCAL, "workers": workers})) == truth


def test_killed_at_three_random_moments(tiny, tmp_path, truth):
    path = experiment(tiny, tmp_path, LOCAL)
    rng = random.Random(5)
    for ranks in sorted(rng.sample(range(1, RANKS - 1), 3)):
        process = start(path)
        until(lambda ranks=ranks: len(completed(tmp_path)) >= ranks, process, tmp_path)
        time.sleep(rng.uniform(0, 0.3))
        kill(process, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        left = completed(tmp_path)
        assert ranks <= len(left) < RANKS
    assert filtered(path) == truth
    (stage,) = (tmp_path / "work" / "stages").glob("filter-*")
    kept = {rank: (stage / "documents" / f"{rank}.parquet").stat().st_mtime_ns for rank in left}
    assert kept == left  # what was completed was not made again


@pytest.mark.parametrize("gpus", [0, 1])
def test_ranks_end_with_a_driver_that_is_killed(tmp_path, gpus):
    code = "import sys; from pathlib import Path; from test_executors import *; folder = Path(sys.argv[1]); "
    code += f"run_steps([Beating(folder)], 2, folder / 'logs', ExecutorSettings(workers=2), gpus={gpus})"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], start_new_session=True,
        env={**os.environ, "PYTHONPATH": PATHS}, stderr=(tmp_path / "stderr").open("wb"),
    )  # fmt: skip

    def beats() -> list[int]:
        return [beat.stat().st_mtime_ns for beat in sorted(tmp_path.glob("beat-*"))]

    try:
        until(lambda: len(beats()) == 2, process, tmp_path)
        process.kill()  # it alone, as the kernel does where memory is short
        process.wait()
        deadline, seen = time.monotonic() + 60, []
        while seen != (seen := beats()):
            assert time.monotonic() < deadline, "its ranks go on"
            time.sleep(3)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def queue() -> list[str]:
    """Ids of the jobs that have not ended."""
    asked = ["squeue", "--noheader", "--format=%F"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def arrays(folder: Path) -> set[str]:
    """Ids of the arrays whose jobs left an output."""
    return {file.name.partition("_")[0] for file in folder.glob("work/stages/*filter-*/logs/slurm_logs/*.out")}


def test_slurm_makes_the_same_bytes_whatever_is_killed(tiny, tmp_path, truth, nodes):
    path = experiment(tiny, tmp_path, {**SLURM, "workers": 1})  # jobs one after another, so that there is time
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


def test_ranks_that_fail_on_slurm_are_named_and_run_again(tmp_path, nodes, monkeypatch):
    said = judge(tmp_path, ExecutorSettings(**{**SLURM, "max_array_size": 100}), monkeypatch)
    assert "2 of 4 ranks failed on slurm (1, 2)" in said
    assert "rank 1: pipeline.errors.PipelineError: sources.x: this shard is bad" in said
    assert "rank 2: " in said
    assert "CANCELLED" in said
    with pytest.raises(
        PipelineError, match=r"Slurm refused the job \(.*partition.*\) — see partition, time and sbatch"
    ):
        run_steps([Judged(tmp_path)], 5, tmp_path / "logs", ExecutorSettings(**{**SLURM, "partition": "gpu"}))


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
    judged = tmp_path / "judged"
    judged.mkdir()
    said = judge(judged, ExecutorSettings(kind="ray", mem_per_cpu_gb=1, address=head), monkeypatch)
    assert "1 of 4 ranks failed on ray (1); rank 1: pipeline.errors.PipelineError: sources.x: this shard is bad" in said
    large = ExecutorSettings(kind="ray", cpus_per_task=1_000, address=head)
    with pytest.raises(PipelineError, match="a rank takes 1000 CPUs and 2000 GB, and no node of the Ray cluster has"):
        run_steps([Judged(judged)], 5, judged / "logs", large)


@pytest.mark.filterwarnings("ignore:placement_group:DeprecationWarning")
def test_ray_gives_every_rank_a_gpu_of_its_own_where_they_ask(tmp_path, head):
    settings = ExecutorSettings(kind="ray", cpus_per_task=1, mem_per_cpu_gb=1, address=head)
    run_steps([Placed(tmp_path)], GPUS, tmp_path / "logs", settings, gpus=1)
    assert {(tmp_path / f"gpu-{rank}").read_text() for rank in range(GPUS)} == {"0", "1"}
    with pytest.raises(PipelineError, match=r"takes 1 CPUs and 1 GB and 3 GPU, and no node .* or proxy\.device: cpu"):
        run_steps([Placed(tmp_path)], 5, tmp_path / "logs", settings, gpus=GPUS + 1)


class Signed(PipelineStep):
    """Writes which process it runs in."""

    type = name = "signed"

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        self.file.write_text(str(os.getpid()))
        return iter(())


def test_a_rank_on_a_gpu_never_runs_in_the_driver(tmp_path, monkeypatch):
    """What the driver forks later would hold the GPU's memory."""
    monkeypatch.setenv("PYTHONPATH", PATHS)
    for gpus in (0, 1):
        run_steps([Signed(tmp_path / str(gpus))], 1, tmp_path / f"logs-{gpus}", ExecutorSettings(workers=1), gpus=gpus)
    assert (tmp_path / "0").read_text() == str(os.getpid()) != (tmp_path / "1").read_text()
    with pytest.raises(PipelineError, match="this shard is bad"):
        run_steps([Judged(tmp_path)], 2, tmp_path / "logs", ExecutorSettings(workers=1), gpus=1)


def test_a_rank_on_a_gpu_has_cores_to_feed_it():
    plain = ExecutorSettings(kind="slurm", partition="cpu", time="00:10:00")
    assert (plain.takes(0), plain.takes(1)) == ((1, 2), (4, 4))
    assert plain.model_copy(update={"cpus_per_task": 16}).takes(1) == (16, 4)


@pytest.mark.parametrize(
    ("own", "gpus", "asked"),
    [
        ({}, 1, ["gpus=1"]),
        ({}, 0, []),
        ({"account": "nlp", "gres": "tmp:1"}, 1, ["gres=tmp:1", "gpus=1"]),
        ({"gpus": "h100:1"}, 1, ["gpus=h100:1"]),
        ({"gres": "gpu:a100:1"}, 1, ["gres=gpu:a100:1"]),
        ({"gpus-per-node": "1"}, 1, ["gpus-per-node=1"]),
    ],
)
def test_a_slurm_job_asks_for_a_gpu_unless_its_own_options_do(tmp_path, own, gpus, asked):
    array = slurm_array([Judged(tmp_path)], 4, tmp_path / "logs", ExecutorSettings(**SLURM, sbatch=own), "n", gpus)
    script = array.get_launch_file_contents(array.get_sbatch_args(), "true")
    options = [line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH")]
    assert [option for option in options if option.startswith(("gpus", "gres"))] == asked
    assert "partition=cpu" in options
