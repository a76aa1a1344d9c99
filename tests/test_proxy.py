"""Proxies: batches drawn by the mix, torch's own loss, bpb as a plain reference has it, same bytes twice."""

import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mixes.errors import MixError
from mixes.proxy.evaluate import item_bpb, validation_bpb
from mixes.proxy.items import Item
from mixes.proxy.loss import head_loss
from mixes.proxy.model import Proxy
from mixes.proxy.settings import ProxySettings
from mixes.proxy.tokens import DomainTokens, batches, interleave
from mixes.proxy.train import train_proxy

SETTINGS = ProxySettings(size="100k", tokens=4_096, context=32, batch=8)
VOCABULARY = 300


@pytest.fixture
def domains(tmp_path: Path) -> dict[str, DomainTokens]:
    """Two domains of counted tokens, `split` over three files of odd sizes."""
    rng = np.random.default_rng(0)
    stream = rng.integers(1, VOCABULARY, size=5_000).astype(np.uint16)
    whole, parts = tmp_path / "whole.bin", [tmp_path / f"part{i}.bin" for i in range(3)]
    stream.tofile(whole)
    for path, part in zip(parts, np.split(stream, [777, 1_800]), strict=True):
        part.tofile(path)
    return {"whole": DomainTokens("whole", [whole], 32), "split": DomainTokens("split", parts, 32)}


def test_sequences_span_files(domains):
    assert domains["whole"].sequences == domains["split"].sequences == (5_000 - 1) // 32
    for number in range(domains["whole"].sequences):
        np.testing.assert_array_equal(domains["whole"].sequence(number), domains["split"].sequence(number))


def test_every_prefix_is_near_the_weights():
    weights = np.array([0.613, 0.29, 0.097])
    taken = np.eye(3)[interleave(weights, 2_000)].cumsum(axis=0)
    assert np.abs(taken - weights * np.arange(1, 2_001)[:, None]).max() <= 1.0
    assert np.abs(taken[-1] / 2_000 - weights).max() < 0.001


def test_the_mix_decides_how_many_documents_not_which(domains):
    """Common random numbers: the first sequences of a domain are the same under every mix."""
    orders = {name: list(islice(domain.order(0), 30)) for name, domain in domains.items()}
    for share in (0.3, 0.7):
        rows = np.concatenate(list(batches({"whole": share, "split": 1 - share}, domains, 5, 8, seed=0)))
        wanted = np.stack([domains["whole"].sequence(n) for n in orders["whole"][: round(40 * share)]])
        found = {row.tobytes() for row in rows}
        assert all(row.astype(np.int64).tobytes() in found for row in wanted)


def test_an_epoch_holds_every_sequence_once(domains):
    order = list(islice(domains["whole"].order(3), 2 * domains["whole"].sequences))
    assert sorted(order[: len(order) // 2]) == sorted(order[len(order) // 2 :]) == list(range(len(order) // 2))


def test_unknown_domain(domains):
    with pytest.raises(MixError, match="no tokens for domain 'x'"):
        next(batches({"x": 1.0}, domains, 1, 1, 0))


def test_loss_and_gradients_are_torchs():
    torch.manual_seed(0)
    hidden, head = torch.randn(700, 32, requires_grad=True), torch.randn(VOCABULARY, 32, requires_grad=True)
    targets = torch.randint(0, VOCABULARY, (700,))
    ours, theirs = head_loss(hidden, head, targets), F.cross_entropy(hidden @ head.T, targets)
    torch.testing.assert_close(ours, theirs)
    for mine, yours in zip(
        torch.autograd.grad(ours, (hidden, head)), torch.autograd.grad(theirs, (hidden, head)), strict=True
    ):
        torch.testing.assert_close(mine, yours)


def test_training_learns_and_repeats_to_the_last_bit(domains):
    torch.set_num_threads(1)
    first, second = (train_proxy(SETTINGS, {"whole": 0.5, "split": 0.5}, domains, VOCABULARY, 1) for _ in range(2))
    assert first.losses == second.losses
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))
    other = train_proxy(SETTINGS, {"whole": 0.5, "split": 0.5}, domains, VOCABULARY, 2)
    assert other.losses[0] != first.losses[0]
    assert np.mean(first.losses[-3:]) < first.losses[0]


def test_no_position_sees_what_follows():
    model = Proxy(SETTINGS.shape, VOCABULARY, 32, seed=0)
    tokens = torch.randint(0, VOCABULARY, (1, 32))
    changed = tokens.clone()
    changed[0, 20:] = 1
    torch.testing.assert_close(model(tokens)[0, :20], model(changed)[0, :20])


def reference_bpb(model: Proxy, item: Item) -> float:
    """One item, one token at a time, no batching."""
    bits = 0.0
    for position in range(len(item.tokens) - item.scored, len(item.tokens)):
        logits = model(torch.tensor([item.tokens[:position]]))[0, -1].double()
        bits -= float(torch.log_softmax(logits, dim=0)[item.tokens[position]]) / math.log(2)
    return bits / item.size


def test_item_bpb_equals_the_reference():
    model = Proxy(SETTINGS.shape, VOCABULARY, 32, seed=0).eval()
    rng = np.random.default_rng(1)
    items = []
    for number in range(20):
        length = int(rng.integers(4, 33))
        tokens = tuple(rng.integers(0, VOCABULARY, size=length).tolist())
        items.append(Item("t", str(number), tokens, int(rng.integers(1, length)), int(rng.integers(1, 40))))
    with torch.no_grad():
        wanted = [reference_bpb(model, item) for item in items]
    np.testing.assert_allclose(item_bpb(model, items), wanted, rtol=1e-5)
    np.testing.assert_allclose(item_bpb(model, items[::-1])[::-1], wanted, rtol=1e-5)


def test_validation_bpb_counts_bytes_of_the_targets(domains):
    model = Proxy(SETTINGS.shape, VOCABULARY, 32, seed=0)
    sizes = np.arange(VOCABULARY)
    rows = torch.from_numpy(np.stack([domains["whole"].sequence(n) for n in range(2)]).astype(np.int64))
    with torch.no_grad():
        nats = float(F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten(), reduction="sum"))
    wanted = nats / math.log(2) / sizes[rows[:, 1:].numpy()].sum()
    found = validation_bpb(model, {"whole": domains["whole"]}, sizes, most=2)
    assert found["whole"] == pytest.approx(wanted, rel=1e-5)
