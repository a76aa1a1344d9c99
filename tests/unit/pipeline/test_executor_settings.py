"""The `executor:` section: what is refused, what counts for which stage, and what of it a Slurm job asks for."""

import socket
from pathlib import Path

import pytest
import yaml
from support import experiment_content

from flows.errors import ExperimentError
from flows.experiment import Experiment, load_experiment
from pipeline.errors import PipelineError
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings
from pipeline.executor.slurm import rank_array, script_of
from pipeline.executor.slurm_output import how_it_ended
from pipeline.executor.work import Work

ENDED = "slurmstepd: error: *** JOB 7 ON n CANCELLED AT 2026-01-01T00:00:00"
SLURM = {"kind": "slurm", "partition": "cpu", "time": "00:10:00"}


def load(folder: Path, executor: dict) -> Experiment:
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**experiment_content(), "executor": executor}))
    return load_experiment(path)


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
        ({**SLURM, "stages": {"filterr": {}}}, "executor.stages.filterr: must be one of filter, index"),
        ({**SLURM, "stages": {"filterr": {}}}, "did you mean 'filter'?"),
        ({**SLURM, "stages": {"label": {"partion": "x"}}}, "stages.label: unknown field 'partion' — did you mean 'pa"),
        ({**SLURM, "stages": {"label": {"workers": 0}}}, "stages.label: workers: input should be greater"),
        ({**SLURM, "stages": {"label": {"address": "x:1"}}}, "stages.label: address is of kind ray, and kind is slurm"),
        ({"stages": {"swarm": {"kind": "slurm"}}}, "stages.swarm: kind slurm needs partition"),
        ({"stages": {"swarm": {}, "train": {}}}, "executor.stages: train and swarm name the same stage"),
        ({**SLURM, "gpus": 0}, "executor.gpus: write a number from 1 on, or a type and a number, as h100:1 (it is 0)"),
        ({"kind": "ray", "gpus": "h100:2"}, "executor: gpus: 'h100:2' names a type, and Ray takes a number — write 2"),
        ({**SLURM, "container": "mix.sif"}, "executor.container: write an absolute path, or an address"),
        ({**SLURM, "qos": "a", "sbatch": {"qos": "b"}}, "executor: qos is given twice, as a field and in sbatch"),
        ({"retries": -1}, "executor.retries: input should be greater than or equal to 0"),
        ({"workers": 0}, "executor.workers: input should be greater than or equal to 1 (it is 0)"),
    ],
)  # fmt: skip
def test_mistakes_in_the_section_are_one_line(tmp_path, executor, said):
    with pytest.raises(ExperimentError) as raised:
        load(tmp_path, executor)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_it_decides_nothing_of_the_experiment(tmp_path):
    sections = ({"workers": 2}, SLURM, {**SLURM, "retries": 5, "stages": {"swarm": {"gpus": 2}}}, {"kind": "ray"})
    loaded = [load(tmp_path, executor) for executor in sections]
    assert len({experiment.id for experiment in loaded}) == 1
    for experiment in loaded:
        assert ExecutorSettings(**experiment.model_dump(mode="json")["executor"]) == experiment.executor


def test_settings_by_stage():
    own = {"swarm": {"partition": "gpu", "time": "12:00:00", "mem_per_cpu_gb": 8}, "filter": {"workers": 64}}
    settings = ExecutorSettings(**SLURM, workers=8, gpus=1, stages={**own, "label": {"kind": "local"}})
    filtering, training, labelling = (settings.at(stage) for stage in ("filter", "swarm", "label"))
    assert (filtering.workers, filtering.partition, filtering.gpus) == (64, "cpu", None)
    assert (training.workers, training.partition, training.time, training.gpus) == (8, "gpu", "12:00:00", "1")
    assert training.mem_per_cpu_gb == 8
    assert labelling == ExecutorSettings(workers=8)
    assert settings.at("clean") == ExecutorSettings(**SLURM, workers=8)
    assert training.at("swarm") == training
    assert ExecutorSettings(stages={"train": {"workers": 1}}).at("swarm").workers == 1


def script(folder: Path, executor: dict, stage: str = "filter", gpus: int = 0, ranks: int = 4) -> tuple[list[str], str]:
    """The options of the script that is submitted for a stage, and its last line."""
    settings = ExecutorSettings(**{**SLURM, **executor}).at(stage)
    work = Work(stage, [], ranks, folder / "logs", gpus)
    text = script_of(rank_array(work, settings, "name", list(range(ranks))), settings, bool(gpus))
    options = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")]
    return options, text.strip().splitlines()[-1]


def test_a_script_asks_for_what_is_set(tmp_path):
    executor = {
        "account": "nlp", "qos": "high", "constraint": "icelake|cascade", "sbatch": {"reservation": "mine"},
        "stages": {"swarm": {"partition": "gpu", "time": "12:00:00", "mem_per_cpu_gb": 8, "gpus": "h100:1"}},
    }  # fmt: skip
    options, command = script(tmp_path, executor)
    assert {"account=nlp", "qos=high", "constraint=icelake|cascade", "reservation=mine", "array=0-3"} <= {*options}
    assert {"partition=cpu", "time=00:10:00", "mem-per-cpu=2G", "cpus-per-task=1"} <= {*options}
    assert command == f"launch_pickled_pipeline {tmp_path}/logs/executor.pik"
    options, _ = script(tmp_path, executor, "swarm", 1)
    assert {"partition=gpu", "time=12:00:00", "mem-per-cpu=8G", "gpus=h100:1", "account=nlp"} <= {*options}


def test_a_script_with_an_environment_or_a_container(tmp_path):
    settings = {"env_command": "source /shared/venv/bin/activate"}
    work = Work("filter", [], 4, tmp_path / "logs")
    text = script_of(
        rank_array(work, ExecutorSettings(**SLURM, **settings), "n", [0]), ExecutorSettings(**SLURM), False
    )
    assert "source /shared/venv/bin/activate\n" in text
    assert "export PATH" not in text
    _, command = script(tmp_path, {"container": "/shared/mix.sif"})
    launched = f"launch_pickled_pipeline {tmp_path}/logs/executor.pik"
    assert command == f"apptainer exec /shared/mix.sif {launched}"
    _, command = script(tmp_path, {"container": "docker://mix/wright:1"}, "swarm", 1)
    assert command == f"apptainer exec --nv docker://mix/wright:1 {launched}"


@pytest.mark.parametrize(
    ("executor", "gpus", "asked"),
    [
        ({}, 1, ["gpus=1"]),
        ({}, 0, []),
        ({"gpus": "h100:2"}, 1, ["gpus=h100:2"]),
        ({"gres": "gpu:a100:1"}, 1, ["gres=gpu:a100:1"]),
        ({"gres": "tmp:1"}, 1, ["gres=tmp:1", "gpus=1"]),
        ({"sbatch": {"account": "nlp", "gres": "tmp:1"}}, 1, ["gpus=1", "gres=tmp:1"]),
        ({"sbatch": {"gpus": "h100:1"}}, 1, ["gpus=h100:1"]),
        ({"sbatch": {"gpus-per-node": "1"}}, 1, ["gpus-per-node=1"]),
    ],
)
def test_a_rank_that_trains_asks_for_a_gpu_unless_the_settings_do(tmp_path, executor, gpus, asked):
    options, _ = script(tmp_path, executor, "swarm", gpus)
    assert [option for option in options if option.startswith(("gpus", "gres"))] == asked


def test_gpus_are_for_stages_that_train_unless_a_stage_asks(tmp_path):
    assert not [option for option in script(tmp_path, {"gpus": 1})[0] if option.startswith("gpus")]
    assert "gpus=2" in script(tmp_path, {"stages": {"filter": {"gpus": 2}}})[0]


@pytest.mark.parametrize(
    ("output", "began", "reason", "passes"),
    [
        (f"{ENDED} DUE TO TIME LIMIT ***", True, "its time was up", False),
        (f"{ENDED} DUE TO PREEMPTION ***", True, "slurmstepd", True),
        (f"{ENDED} DUE TO NODE FAILURE, SEE", True, "slurmstepd", True),
        (f"{ENDED} ***", True, "it was cancelled", False),
        ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch.", True, "its memory was full", True),
        ("script: line 9: 41 Killed  launch_pickled_pipeline x", True, "script: line 9: 41 Killed", True),
        ("bash: launch_pickled_pipeline: command not found", False, "its job could not begin it", False),
        ("", False, "its job left no output", True),
    ],
)  # fmt: skip
def test_how_a_job_ended(tmp_path, output, began, reason, passes):
    (tmp_path / "7_0.out").write_text(f"Starting data processing job\n{output}\n" if output else "")
    told, can_pass = how_it_ended(tmp_path / "7_0.out", began)
    assert told.startswith(reason)
    assert can_pass is passes


def test_a_cluster_that_is_not_there(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(PipelineError, match=rf"executor\.address: no Ray cluster at '{address}' .* `ray start --head`"):
        run_steps("filter", [], 1, tmp_path / "logs", ExecutorSettings(kind="ray", address=address))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match=r"no `sbatch` here — run on a login node, or set kind: local"):
        run_steps("filter", [], 1, tmp_path / "logs", ExecutorSettings(**SLURM))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match="Ray is not installed — run `pip install ray`"):
        run_steps("filter", [], 1, tmp_path / "logs", ExecutorSettings(kind="ray"))


def test_a_rank_on_a_gpu_has_cores_to_feed_it():
    plain = ExecutorSettings(kind="slurm", partition="cpu", time="00:10:00")
    assert (plain.takes(0), plain.takes(1)) == ((1, 2), (4, 4))
    assert plain.model_copy(update={"cpus_per_task": 16}).takes(1) == (16, 4)
