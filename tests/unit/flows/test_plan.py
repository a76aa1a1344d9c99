"""The plan against what is true: torch's own count, the swarm that is really drawn, the runs that were really made."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mixes.errors import MixError
from mixes.laws.linear import Linear
from mixes.proxy.cost import (
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
from mixes.proxy.train import learn, program_of
from mixes.recommendation.expected import expected_half_width, measured_noise
from mixes.runs import Run, Runs
from mixes.swarm import SwarmSettings, draw_swarm
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
    with pytest.raises(MixError, match="no device 'h10' — did you mean 'h100'"):
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
    assert measured_noise(Runs(runs[:13]), families, {}, "linear", seeds) is None  # no mix appears twice


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
