"""The plan of an experiment before, between and after its stages."""

import shutil
from pathlib import Path

import pytest
import torch
import yaml
from support import write_lines

from flows.errors import ExperimentError
from flows.experiment import load_experiment
from flows.plan.plan import Plan, make_plan
from mixes.errors import MixError
from mixes.proxy.cost import (
    RUN_BYTES,
    swarm_disk,
    token_flops,
    training_flops,
)
from mixes.swarm import SwarmSettings, draw_swarm
from pipeline.pool.pool import Pool


def test_disk_against_real_files(tiny, finished):
    """Parquet files of a run hold 15 items here, the constants were measured with 896."""
    records = tiny / "work" / "records"
    runs = [path.stem for path in (records / "runs").glob("*.parquet")]
    found = sum(
        (records / table / f"{run}.parquet").stat().st_size for table in ("runs", "scores", "items") for run in runs
    )
    said = swarm_disk(load_experiment(tiny / "experiment.yaml").proxy, 512, len(runs), 15, 2, 0).records
    assert said == pytest.approx(found, rel=0.5)
    assert said > RUN_BYTES * len(runs)


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file and folder with its time of change and size."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def planned(file: Path, **changes: dict) -> Plan:
    """The plan of an experiment with some fields of its sections set, on a device that needs no measurement."""
    content = yaml.safe_load(file.read_text())
    for section, values in changes.items():
        content[section] = {**content.get(section, {}), **values} if isinstance(values, dict) else values
    varied = file.with_name("varied.yaml")
    varied.write_text(yaml.safe_dump(content))
    experiment = load_experiment(varied)
    varied.unlink()
    return make_plan(experiment, "h100", price=2.0)


def test_before_anything_ran(tiny):
    before = tree(tiny)
    found = planned(tiny / "experiment.yaml", work="elsewhere", topics={"most_domains": 4})
    assert tree(tiny).keys() == before.keys()
    assert found.pool is None
    assert found.domains == ("books", "code", "encyclopedia", "science", "web/1", "web/2", "web/3", "web/4")
    assert (found.mixes, found.proxies, found.trained) == (12, 12 + 3, 0)
    assert found.interval.noise_from == "sample"
    assert any("no pool" in line for line in found.assumptions)
    assert found.cost == pytest.approx(2.0 * found.hours)


def test_rounds_are_counted_together(tiny):
    experiment = load_experiment(tiny / "experiment.yaml").model_copy(update={"work": "elsewhere"})
    rounds = experiment.model_copy(update={"swarm": SwarmSettings(rounds=(12, 6, 3), seeds=3, replicated=1)})
    assert make_plan(rounds, "h100").proxies == 12 + 6 + 3 + 2 + 2 * 2


def test_without_a_suite_validation_alone_is_counted(tiny):
    experiment = tiny / "experiment.yaml"
    without = planned(experiment, work="elsewhere", suite={"path": "none.jsonl"})
    assert any("none.jsonl" in line for line in without.assumptions)
    assert 0 < without.flops.evaluation < planned(experiment, work="elsewhere").flops.evaluation


def test_stated_tokens_are_the_natural_mix(tiny):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    sources = {name: {**source, "full_tokens": 10**9} for name, source in content["sources"].items()}
    found = planned(tiny / "experiment.yaml", work="elsewhere", sources=sources)
    assert not any("uniform" in line for line in found.assumptions)
    assert any("uniform" in line for line in planned(tiny / "experiment.yaml", work="elsewhere").assumptions)


def test_after_everything_ran(tiny, finished):
    before = tree(tiny / "work")
    found = planned(tiny / "experiment.yaml")
    assert tree(tiny / "work") == before
    assert found.pool == finished["evidence"]["pool"]
    assert set(found.domains) == set(finished["mix"])
    assert found.trained == found.proxies == 10 + 1 + 4
    assert (found.hours, found.flops.total, found.disk.most, found.cost) == (0, 0, 0, 0)
    assert found.interval.noise_from == "replicates"


def test_a_larger_swarm_counts_what_is_left(tiny, finished):
    pool = Pool(tiny / "work" / "stages" / finished["evidence"]["pool"])
    now, more = planned(tiny / "experiment.yaml"), planned(tiny / "experiment.yaml", swarm={"mixes": 14})
    experiment = load_experiment(tiny / "experiment.yaml")
    settings = experiment.swarm.model_copy(update={"mixes": 14})
    tokens = {name: domain.tokens for name, domain in pool.domains.items()}
    swarm = draw_swarm(tokens, experiment.proxy.tokens, settings, experiment.seed)
    assert more.proxies == len(swarm) == now.proxies + 4
    assert more.trained == now.proxies
    assert more.flops.training == 4 * training_flops(experiment.proxy, pool.tokenizer.get_vocab_size())
    assert more.hours == pytest.approx(4 * more.flops.total / 4 / more.device.speed / 3600)


def test_a_changed_experiment_has_no_pool(tiny, finished):
    assert planned(tiny / "experiment.yaml", tokenizer={"vocabulary": 600}).pool is None
    assert planned(tiny / "experiment.yaml", proxy={"size": "200k"}).pool == finished["evidence"]["pool"]


def test_a_changed_corpus_has_no_pool(tiny, finished, tmp_path):
    """Another text in one file, the settings being the same."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy, ignore=shutil.ignore_patterns("tokenise-*"))
    shutil.copytree(tiny / "work", copy / "work", dirs_exist_ok=True)
    assert planned(copy / "experiment.yaml").pool == finished["evidence"]["pool"]
    write_lines(copy / "books" / "b.jsonl.zst", [{"id": "0", "text": "Call me Ishmael."}])
    before = tree(copy / "work")
    assert planned(copy / "experiment.yaml").pool is None
    assert tree(copy / "work") == before


def test_a_gpu_that_is_not_here(tiny):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert planned(tiny / "experiment.yaml", work="elsewhere", proxy={"device": "cuda"}).device.name == "h100"
    experiment = load_experiment(tiny / "experiment.yaml")
    asking = experiment.model_copy(update={"proxy": experiment.proxy.model_copy(update={"device": "cuda"})})
    with pytest.raises(MixError, match="no GPU is here"):
        make_plan(asking)
    with pytest.raises(ExperimentError, match="--utilisation"):
        make_plan(experiment, utilisation=0.3)


def test_hours_are_those_of_the_measured_speed(tiny):
    experiment = load_experiment(tiny / "experiment.yaml").model_copy(update={"work": "elsewhere"})
    found = make_plan(experiment, price=1.0, seconds=0.5)
    device = found.device
    assert (device.name, device.origin, device.count, device.workers) == ("this", "measured", 1, 2)
    assert device.tokens * token_flops(experiment.proxy, 512) == pytest.approx(device.workers * device.speed)
    rounds = -(-found.proxies // 2)
    assert found.hours == pytest.approx(rounds * found.flops.total / found.proxies / device.speed / 3600)
    assert found.cost == found.hours
    assert not (tiny / "elsewhere").exists()
