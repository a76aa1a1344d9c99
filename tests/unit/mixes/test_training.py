"""Steps of a cohort: nothing shared between proxies, what has diverged, and what fits into memory."""

import numpy as np
import pytest
import torch
from cohorts import SETTINGS

from mixes.errors import MixError
from mixes.proxy.loss import excess
from mixes.proxy.memory import bytes_a_proxy, choose_cohort, choose_parts
from mixes.proxy.model import Proxies
from mixes.proxy.train import Program, clip_each, has_diverged, has_risen, learn


def test_a_proxy_without_numbers_harms_no_other():
    torch.manual_seed(0)
    tokens = torch.randint(0, 50, (3, 4, 17))
    sick = Proxies(SETTINGS.shape, 50, 16, [0, 1, 2])
    with torch.no_grad():
        sick.embed[1, 7] = float("nan")
    sound = Proxies(SETTINGS.shape, 50, 16, [0, 1, 2])
    losses = [learn(model, Program(model, excess, torch.float32), tokens) for model in (sick, sound)]
    assert losses[0].isnan().tolist() == [False, True, False]
    for ours, theirs in zip(sick.parameters(), sound.parameters(), strict=True):
        assert torch.equal(ours.grad[[0, 2]], theirs.grad[[0, 2]])


def test_each_proxy_is_clipped_by_its_own_norm():
    model = Proxies(SETTINGS.shape, 50, 16, [0, 1])
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
        weight.grad[0] *= 1e-6  # far below the limit: left alone
    clip_each(model)
    squares = sum(weight.grad[1].square().sum() for weight in model.parameters())
    assert float(squares) == pytest.approx(1, rel=1e-4)
    assert all((weight.grad[0] == 1e-6).all() for weight in model.parameters())


def test_a_batch_in_parts_has_the_gradients_of_the_whole():
    tokens = torch.randint(0, 50, (2, 6, 17))
    model = Proxies(SETTINGS.shape, 50, 16, [0, 1])
    gradients = []
    for parts in (1, 4):  # 4 pieces of 2, 2, 2: sequences do not divide evenly
        model.zero_grad()
        loss = learn(model, Program(model, excess, torch.float32), tokens, parts)
        gradients.append([loss, *(weight.grad.clone() for weight in model.parameters())])
    for whole, pieces in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, pieces, rtol=1e-4, atol=1e-7)


def test_what_counts_as_diverged():
    falling = np.linspace(6, 4, 100)
    nothing, spike, risen = falling.copy(), falling.copy(), falling.copy()
    nothing[50] = np.nan
    spike[50] = 20.0
    risen[50:] = 6.5
    losses = np.stack([falling, nothing, spike, risen])
    assert has_diverged(losses, 10, 6.0).tolist() == [False, True, True, True]
    spike[50] = 8.0
    assert not has_diverged(np.stack([spike]), 10, 6.0).any()
    assert not has_diverged(np.linspace(3, 5, 100)[None], 10, 6.0).any()  # while it trains, which may take it back


def test_a_loss_that_rose_and_stayed_has_diverged_below_knowing_nothing():
    noise = 0.3 * np.random.default_rng(0).standard_normal((4, 200))
    falling = np.linspace(7, 4, 200)
    broken, recovered, annealed = falling.copy(), falling.copy(), np.full(200, 4.0)
    broken[100:] = 6.5  # below the 7.6 nats of a vocabulary of 2,048
    recovered[100:140] = 6.5
    assert has_risen(np.stack([falling, broken, recovered, annealed]) + noise, 10).tolist() == [0, 1, 0, 0]
    assert not has_diverged(broken[None], 10, 7.6).any()
    assert not has_risen(broken[None, 90:110], 10).any()  # too few steps to tell


def test_a_cohort_is_as_large_as_memory_lets_it_be():
    gpu = SETTINGS.model_copy(update={"device": "cuda", "batch": 64})
    each = bytes_a_proxy(gpu, 8_192)
    few, many = choose_cohort(gpu, 8_192, 10 << 30), choose_cohort(gpu, 8_192, 80 << 30)
    assert 1 < few < many <= (80 << 30) / each
    assert choose_cohort(SETTINGS, 8_192, 80 << 30) == 1  # a CPU
    assert choose_parts(gpu, 8_192, 80 << 30) == 1
    large = gpu.model_copy(update={"size": "190M", "context": 2_048})
    assert 1 < choose_parts(large, 8_192, 24 << 30) < 64
    with pytest.raises(MixError, match=r"190M needs .* for a single sequence"):
        choose_parts(large, 8_192, 4 << 30)
