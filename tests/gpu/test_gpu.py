"""Proxies on a real GPU: the scores that a CPU gives, a cohort like its members, the same bits, and full memory."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from cohorts import CANDIDATES, SETTINGS, scores, train

from mixes.proxy.device import free_memory
from mixes.proxy.memory import SLICE, bytes_a_proxy, choose_cohort
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings
from mixes.proxy.speed import measure_speed
from mixes.proxy.tokens import DomainTokens, Member
from mixes.proxy.train import learn, optimiser_of, program_of, train_cohort
from mixes.swarm import Candidate

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")
BF16 = 0.02  # of a score: what products in bf16 may move it, far less than a mix does


def apart(work, *given):
    """What `work` returns in a process of its own, as a rank is one."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as child:
        return child.submit(work, *given).result()


@pytest.fixture(scope="module")
def together(evidence, tmp_path_factory) -> Path:
    """The candidates as one cohort on the GPU, in ranks as a swarm has them."""
    folder = tmp_path_factory.mktemp("together")
    _, decided = train(evidence, folder, device="cuda")
    assert decided["cohort"] == len(CANDIDATES)  # as many as there are: the memory would hold more
    return folder


def by_mix(folder: Path) -> pl.DataFrame:
    """Scores in an order that does not depend on run ids, which name the device."""
    runs = pl.read_parquet(folder / "records" / "runs" / "*.parquet").select("run", "mix", "seed")
    return scores(folder).join(runs, on="run").sort("mix", "seed", "kind", "task")


def test_a_gpu_scores_as_a_cpu_does(evidence, together, tmp_path):
    train(evidence, tmp_path)
    ours, theirs = by_mix(together), by_mix(tmp_path)
    assert ours.drop("run", "bpb").equals(theirs.drop("run", "bpb"))
    np.testing.assert_allclose(ours["bpb"], theirs["bpb"], rtol=BF16)
    assert theirs.group_by("mix").agg(pl.col("bpb").mean())["bpb"].std() > 0.05  # so the tolerance says something


def test_a_cohort_scores_as_its_members_alone(evidence, together, tmp_path):
    train(evidence, tmp_path, device="cuda", cohort=1)
    ours, theirs = scores(together), scores(tmp_path)
    assert ours.drop("bpb").equals(theirs.drop("bpb"))
    np.testing.assert_allclose(ours["bpb"], theirs["bpb"], rtol=BF16)


def interrupted(folder: Path, name: str, at: int | None) -> tuple[np.ndarray, list[np.ndarray]]:
    """Losses and weights of a cohort with deterministic kernels, its training broken off `at` a line and taken up."""
    tokens = np.random.default_rng(0).integers(0, 512, size=40_000).astype(np.uint16)
    tokens.tofile(folder / "d.bin")
    domains = {"d": DomainTokens("d", [folder / "d.bin"], SETTINGS.context)}
    settings = SETTINGS.model_copy(
        update={"device": "cuda", "deterministic": True, "tokens": 40 * 512, "checkpoint_seconds": 1e-6}
    )
    lines: list[str] = []

    def stop(line: str) -> None:
        lines.append(line)
        if len(lines) == at:
            raise KeyboardInterrupt

    members = [Member({"d": 1.0}, seed) for seed in (0, 0, 1)]
    arguments = (settings, members, domains, 512, None, folder / f"{name}.pt")
    if at:
        with pytest.raises(KeyboardInterrupt):
            train_cohort(*arguments, say=stop)
        assert (folder / f"{name}.pt").exists()
    trained = train_cohort(*arguments)
    return trained.losses, [weight.detach().cpu().numpy() for weight in trained.proxies.parameters()]


def test_deterministic_kernels_give_the_same_bits_interrupted_or_not(tmp_path):
    whole = apart(interrupted, tmp_path, "whole", None)
    broken = apart(interrupted, tmp_path, "broken", 7)
    np.testing.assert_array_equal(whole[0], broken[0])
    for ours, theirs in zip(whole[1], broken[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(whole[0][0], whole[0][1])  # one seed, one mix


def halved(evidence, folder: Path) -> None:
    """Train eight proxies where only some fit: a real limit on this process's share of the GPU."""
    from pipeline.train.cohort import CohortTrainer, Evidence

    settings = ProxySettings(size="1M", tokens=65_536, context=64, batch=512, cohort=8, device="cuda")
    trainer = CohortTrainer(Evidence(evidence.pool, evidence.suite, settings), folder / "records", folder)
    few = 3 * bytes_a_proxy(settings, 512)
    torch.cuda.set_per_process_memory_fraction(few / torch.cuda.get_device_properties(0).total_memory)
    trainer.train([Candidate("even", CANDIDATES[0].weights, seed) for seed in range(8)], 1)


def test_a_cohort_that_does_not_fit_is_halved(evidence, tmp_path):
    apart(halved, evidence, tmp_path)
    runs = pl.read_parquet(tmp_path / "records" / "runs" / "*.parquet")
    assert runs["status"].to_list() == ["trained"] * 8
    most = json.loads((tmp_path / "most.json").read_bytes())
    assert most < 8
    assert runs["cohort"].max() <= most


def peak(settings: ProxySettings, cohort: int) -> int:
    """Bytes that a few steps of a cohort take at most."""
    device = torch.device("cuda")
    proxies = Proxies(settings.shape, 8_192, settings.context, [0] * cohort).to(device)
    optimiser, program = optimiser_of(proxies, settings), program_of(proxies, device, compiled=True)
    for _ in range(3):
        tokens = torch.randint(8_192, (cohort, settings.batch, settings.context + 1), device=device)
        learn(proxies, program, tokens)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return torch.cuda.max_memory_allocated()


@pytest.mark.parametrize("size", ["1M", "4M"])
def test_memory_is_not_more_than_was_counted(size):
    settings = ProxySettings(size=size, context=512, device="cuda")
    few, many = (apart(peak, settings, cohort) for cohort in (2, 8))
    assert many <= 8 * bytes_a_proxy(settings, 8_192) + SLICE
    print(f"{size}: {(many - few) / 6 / bytes_a_proxy(settings, 8_192):.0%} of what is counted a proxy")


def left_alone() -> tuple[int, bool]:
    """Free memory, and whether asking for it took some."""
    return free_memory(), torch.cuda.is_initialized()


def test_asking_for_memory_takes_none():
    free, taken = apart(left_alone)
    assert free > 1 << 30
    assert not taken
    assert choose_cohort(ProxySettings(size="1M", device="cuda"), 8_192, free) > 8


def test_speed_is_measured_as_it_will_be():
    settings = ProxySettings(size="100k", device="cuda", cohort=4)
    speed = measure_speed(settings, 512, 16, 2, 1.0)
    assert (speed.cohort, speed.batch, speed.share) == (4, settings.batch, 1.0)
    assert speed.tokens > 10_000


def test_a_large_proxy_alone_has_the_gradients_of_one_not_compiled():
    """33,280 positions of 384: what a compiler fuses only from some size on, and only for a cohort of one."""
    settings, device = ProxySettings(size="15M", context=512, device="cuda"), torch.device("cuda")
    tokens = torch.randint(64, (1, settings.batch, settings.context + 1), device=device)
    gradients = []
    for compiled in (False, True):
        proxies = Proxies(settings.shape, 64, settings.context, [0]).to(device)
        learn(proxies, program_of(proxies, device, compiled), tokens)
        gradients.append({name: weight.grad for name, weight in proxies.named_parameters()})
    for name, ours in gradients[0].items():
        assert float((gradients[1][name] - ours).norm() / ours.norm()) < 0.05, name  # of rounding to bf16
