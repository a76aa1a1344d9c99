"""The plan against what is true: torch's own count, the swarm that is really drawn, the runs that were really made."""

import json
import shutil
from itertools import product
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, mixwright, write_lines
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from flows.errors import ExperimentError
from flows.experiment import load_experiment
from flows.plan.plan import Plan, make_plan
from mixes.errors import MixError
from mixes.laws.linear import Linear
from mixes.proxy.cost import (
    RUN_BYTES,
    count_parameters,
    evaluation_flops,
    forward_flops,
    swarm_disk,
    swarm_seconds,
    token_flops,
    training_flops,
)
from mixes.proxy.devices import PUBLISHED, assumed_utilisation, named_device
from mixes.proxy.evaluate import item_bpb
from mixes.proxy.items import Item
from mixes.proxy.model import Proxies
from mixes.proxy.settings import SIZES, ProxySettings
from mixes.proxy.speed import measure_speed
from mixes.proxy.train import learn, program_of
from mixes.recommendation.expected import expected_half_width, measured_noise
from mixes.runs import Run, Runs
from mixes.swarm import SwarmSettings, draw_swarm
from pipeline.pool.pool import Pool
from pipeline.store.stage import Stage, StageStore, Unfinished

CPU = torch.device("cpu")


def counted(work) -> int:
    """FLOPs by torch's counter; attention as plain products, which is the only kind that it counts on a CPU."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("size", "context", "cohort", "tied"), [("100k", 64, 1, True), ("200k", 256, 1, False), ("1M", 32, 3, True)]
)
def test_training_flops_are_torchs_own(size, context, cohort, tied):
    settings = ProxySettings(size=size, context=context, batch=2, tokens=2 * context, tied=tied)
    proxies = Proxies(settings.shape, 700, context, [0] * cohort, tied)
    tokens = torch.randint(700, (cohort, 2, context + 1))
    found = counted(lambda: learn(proxies, program_of(proxies, CPU, compiled=False), tokens))
    assert cohort * training_flops(settings, 700) == pytest.approx(found, rel=0.01)


def test_evaluation_flops_are_torchs_own():
    """Items of one length, so that there is no padding, which is not counted."""
    settings = ProxySettings(size="200k", context=64, batch=2, tokens=128)
    proxies = Proxies(settings.shape, 700, 64, [0])
    items = [Item("task", str(i), tuple(range(1, 42)), 1 + i, 5) for i in range(4)]
    found = counted(lambda: item_bpb(proxies, items))
    assert evaluation_flops(settings, 700, [(41, 1 + i) for i in range(4)], 0) == pytest.approx(found, rel=0.01)
    assert evaluation_flops(settings, 700, [], 3) == 3 * forward_flops(settings.shape, 700, 64, 64)


@pytest.mark.parametrize(("size", "tied"), list(product(SIZES, (True, False))))
def test_parameters_are_the_models_own(size, tied):
    settings = ProxySettings(size=size, tied=tied)
    with torch.device("meta"):
        proxies = Proxies(settings.shape, 500, 256, [], tied)
    each = sum(weight.shape[1:].numel() for weight in proxies.parameters())
    assert count_parameters(settings, 500).total == each


def test_whole_proxies_are_shared_among_workers():
    assert swarm_seconds(35, 100, 10.0, 2) == 18 * 10
    assert swarm_seconds(35, 100, 10.0, 64) == 10
    assert swarm_seconds(0, 100, 10.0, 2) == 0


def test_disk():
    settings = ProxySettings(size="100k", keep_models=True, checkpoint_seconds=60)
    weights = 4 * count_parameters(settings, 500).total
    disk = swarm_disk(settings, 500, proxies=10, items=100, at_once=2, seconds=61)
    assert disk.models == 10 * weights
    assert disk.checkpoints == 2 * 2 * (3 * weights + 4 * settings.steps)
    assert swarm_disk(settings, 500, 10, 100, 2, seconds=59).checkpoints == 0


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


def test_speed_is_of_as_many_as_work_at_once():
    settings = ProxySettings(size="100k", context=32, batch=4, tokens=4_096)
    speed = measure_speed(settings, 300, proxies=9, workers=2, seconds=0.5)
    assert (speed.workers, speed.cohort) == (2, 1)
    assert 1 <= speed.batch <= 4
    assert speed.tokens > 0
    assert 0 < speed.share <= 1


def test_a_step_that_takes_long_is_timed_on_fewer_sequences():
    settings = ProxySettings(size="4M", context=256)
    assert measure_speed(settings, 2_048, proxies=1, workers=1, seconds=0.2).batch < settings.batch


def test_named_devices():
    settings = ProxySettings(size="30M", context=1024)
    given = named_device("h100", settings, 2_048, 512, 4, 0.5)
    assert (given.count, given.workers, given.speed, given.origin) == (4, 4, 0.5 * 989e12, "given")
    assumed = named_device("h200", settings, 2_048, 512, 1)
    assert assumed.utilisation == assumed_utilisation(PUBLISHED["h200"], settings, 2_048, assumed.cohort)
    assert (assumed.origin, assumed.utilisation) == ("assumed", pytest.approx(0.346))
    assert named_device("h100", settings, 2_048, 512, 1).utilisation < assumed.utilisation  # its memory is slower
    assert assumed.cohort > given.cohort >= 1  # it has more memory
    assert named_device("h200", settings, 2_048, 3, 2).cohort == 2  # no more than there are
    shares = [named_device("h200", ProxySettings(size=size), 2_048, 512, 1).utilisation for size in SIZES]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 0.4


def test_few_proxies_do_not_fill_a_gpu():
    """Against tokens a second that an H200 was seen to train, of 1M and 4M, in cohorts of 1, 8, 32 and 128."""
    seen = {
        "1M": (701_512, 4_625_745, 9_688_509, 10_037_242),
        "4M": (1_112_199, 5_260_667, 5_617_954, 5_656_260),
    }
    for size, found in seen.items():
        settings = ProxySettings(size=size, context=512)
        for cohort, tokens in zip((1, 8, 32, 128), found, strict=True):
            said = named_device("h200", settings, 8_192, cohort, 1)
            assert said.speed / token_flops(settings, 8_192) == pytest.approx(tokens, rel=0.3)


def test_a_device_that_is_none():
    settings = ProxySettings(size="30M", context=1024)
    with pytest.raises(MixError, match="'h10': no such device — did you mean 'h100'"):
        named_device("h10", settings, 2_048, 512, 1)


def test_half_width_is_what_linear_laws_scatter_by():
    """Planted: scores of a linear truth with known noise, fitted a thousand times."""
    tokens = {f"d{i}": float(1 + i) for i in range(6)}
    swarm = draw_swarm(tokens, 1, SwarmSettings(mixes=30), 0, dict.fromkeys(tokens, 1.0))
    mixes = {one.mix: one.weights for one in swarm}
    weights = np.array([[mix[name] for name in sorted(tokens)] for mix in mixes.values()])
    rng = np.random.default_rng(0)
    scores = weights @ rng.normal(3, 1, 6) + 0.02 * rng.standard_normal((1_000, len(weights)))
    predicted = Linear().predict(Linear().fit(weights, scores, np.ones_like(scores)), weights)
    gains = predicted[:, :1] - predicted  # over natural, which stands first
    low, high = np.quantile(gains, (0.05, 0.95), axis=0)
    assert expected_half_width(swarm, 0.02, 0.9) == pytest.approx(np.median((high - low) / 2), rel=0.05)


def test_noise_is_that_of_the_replicates():
    tokens = {f"d{i}": float(1 + i) for i in range(4)}
    swarm = draw_swarm(tokens, 1, SwarmSettings(mixes=12, seeds=12, replicated=6), 0, dict.fromkeys(tokens, 1.0))
    rng = np.random.default_rng(0)
    runs, seeds = [], {}
    for number, one in enumerate(swarm):
        level = 3 - one.weights["d0"]
        scores = {task: level + 0.03 * rng.standard_normal() for task in ("a", "b")}
        runs.append(Run(f"{number:03d}", one.mix, one.weights, scores))
        seeds[f"{number:03d}"] = one.seed
    families = {"a": "one", "b": "two"}
    assert measured_noise(Runs(runs), families, {}, "linear", seeds) == pytest.approx(0.03 / 2**0.5, rel=0.2)
    assert measured_noise(Runs(runs), families, {"one": 1.0}, "linear", seeds) == pytest.approx(0.03, rel=0.2)
    assert measured_noise(Runs(runs[:13]), families, {}, "linear", seeds) is None  # no mix stands there twice


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


def test_a_store_that_finds_makes_nothing(tmp_path):
    (tmp_path / "file").write_text("text")
    stage, stages = Stage("stage", 1, None, ()), StageStore(tmp_path / "stages")
    with pytest.raises(Unfinished, match="'stage' is not finished"):
        stages.finding.run(stage, lambda folder: None)
    content = stages.finding.hash_files([tmp_path / "file"])
    assert not stages.root.exists()
    assert stages.hash_files([tmp_path / "file"]) == content
    made = stages.run(stage, lambda folder: None)
    assert stages.finding.run(stage, lambda folder: None) == made


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


def test_the_command(tiny):
    words = ("plan", "experiment.yaml", "--device", "h100", "--price", "2.5")
    before = tree(tiny)
    said = json.loads(mixwright(*words, "--json", folder=tiny).stdout)
    assert tree(tiny) == before
    jsonschema.validate(said, json.loads((ROOT / "docs" / "plan.schema.json").read_text()))
    assert said["price"] == 2.5
    table = mixwright(*words, folder=tiny).stdout
    assert "Plan of tiny" in table
    assert "assumed" in table
    wrong = mixwright("plan", "experiment.yaml", "--device", "h300", folder=tiny, expect=2)
    assert "did you mean 'h200'" in wrong.stderr or "did you mean 'h100'" in wrong.stderr
