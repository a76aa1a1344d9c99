"""One proxy: batches drawn by the mix, the model and its loss against plain references, bpb, and settings."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from plain_proxy import SETTINGS, VOCABULARY, plain_logits, proxies, reference_bpb
from pydantic import ValidationError
from torch.nn import functional as F

from mixes.errors import MixError
from mixes.proxy.evaluate import item_bpb, validation_bpb
from mixes.proxy.items import Item
from mixes.proxy.loss import excess, fusable_excess, head_loss, slices, token_nats
from mixes.proxy.model import norm, rotate
from mixes.proxy.settings import SIZES, ProxySettings
from mixes.proxy.tokens import Batches, DomainTokens, Member, interleave
from mixes.proxy.train import Program, learn, program_of, train_cohort


@pytest.fixture
def domains(tmp_path: Path) -> dict[str, DomainTokens]:
    """Two domains of the same random tokens, `split` over four files of odd sizes, one shorter than a sequence."""
    rng = np.random.default_rng(0)
    stream = rng.integers(1, VOCABULARY, size=5_000).astype(np.uint16)
    whole, parts = tmp_path / "whole.bin", [tmp_path / f"part{i}.bin" for i in range(4)]
    stream.tofile(whole)
    for path, part in zip(parts, np.split(stream, [777, 790, 1_800]), strict=True):
        part.tofile(path)
    return {"whole": DomainTokens("whole", [whole], 32), "split": DomainTokens("split", parts, 32)}


def test_sequences_span_files(domains):
    numbers = np.arange(domains["whole"].sequences)
    assert domains["whole"].sequences == domains["split"].sequences == (5_000 - 1) // 32
    stream = np.fromfile(domains["whole"].files[0], dtype=np.uint16)
    wanted = np.stack([stream[n * 32 : n * 32 + 33] for n in numbers])
    for domain in domains.values():
        np.testing.assert_array_equal(domain.read(numbers), wanted)
        np.testing.assert_array_equal(domain.read(numbers[::-7]), wanted[::-7])


@pytest.mark.parametrize("seed", range(5))
def test_domains_take_turns_by_their_weights(seed):
    """In the end every domain is within one sequence of its weight; on the way never far from it."""
    weights = np.random.default_rng(seed).dirichlet(np.full(24, 0.3))
    weights[3] = 0.0
    weights /= weights.sum()
    taken = np.eye(24)[interleave(weights, 3_000)].cumsum(axis=0)
    assert np.abs(taken[-1] - weights * 3_000).max() < 1
    assert np.abs(taken[-1] / 3_000 - weights).max() < 0.001
    assert np.abs(taken - weights * np.arange(1, 3_001)[:, None]).max() < 3
    assert taken[-1, 3] == 0


@pytest.mark.parametrize(
    ("tokens", "off"),
    [
        (655_360, 0.001),  # the sample's: a sequence is 0.04 % of it
        (32_768, 1 / 128),  # a short run: a sequence is 0.8 % of it, and the smallest weights are not read at all
    ],
)
def test_the_realised_share_of_a_whole_run(tmp_path, tokens, off):
    """Counted in what proxies read: a domain's files repeat its own number."""
    settings = ProxySettings(tokens=tokens)
    streams = {}
    for number in range(12):
        np.full(5_000, number, dtype=np.uint16).tofile(tmp_path / f"{number:02d}.bin")
        streams[f"d{number:02d}"] = DomainTokens(f"d{number:02d}", [tmp_path / f"{number:02d}.bin"], settings.context)
    shares = np.random.default_rng(5).dirichlet(np.full(12, 0.5), size=4)
    members = [Member(dict(zip(streams, share, strict=True)), 0) for share in shares]
    read = np.zeros((4, 12))
    for rows in Batches(members, streams, settings.steps, settings.batch, 12).from_step(0):
        for mine, tokens_read in zip(read, rows[..., 1:], strict=True):
            mine += np.bincount(tokens_read.ravel(), minlength=12)
    assert (read.sum(axis=1) == tokens).all()
    assert np.abs(read / tokens - shares).max() < off
    few = shares * tokens / settings.context < 0.2  # of a sequence
    assert few.any()
    assert (read[few] == 0).all()


def test_the_mix_decides_how_many_documents_not_which(domains):
    """Common random numbers: the first sequences of a domain are the same under every mix, alone or in a cohort."""
    orders = {name: domain.order(0).at(np.arange(30)) for name, domain in domains.items()}
    shares = (0.3, 0.7)
    members = [Member({"whole": share, "split": 1 - share}, 0) for share in shares]
    rows = np.concatenate(list(Batches(members, domains, 5, 8, VOCABULARY).from_step(0)), axis=1)
    for share, mine in zip(shares, rows, strict=True):
        wanted = domains["whole"].read(orders["whole"][: round(40 * share)])
        found = {row.tobytes() for row in mine}
        assert all(row.astype(np.int32).tobytes() in found for row in wanted)


def test_a_cohort_reads_what_its_members_would_read_alone(domains):
    members = [Member({"whole": w, "split": 1 - w}, seed) for w, seed in ((0.3, 0), (1.0, 0), (0.5, 4))]
    together = list(Batches(members, domains, 60, 8, VOCABULARY).from_step(0))  # three epochs
    for number, member in enumerate(members):
        alone = list(Batches([member], domains, 60, 8, VOCABULARY).from_step(0))
        np.testing.assert_array_equal(np.stack(together)[:, number], np.concatenate(alone))
    later = list(Batches(members, domains, 60, 8, VOCABULARY).from_step(41))
    np.testing.assert_array_equal(np.stack(later), np.stack(together[41:]))


def test_an_epoch_holds_every_sequence_once(domains):
    n = domains["whole"].sequences
    first, second = np.split(domains["whole"].order(3).at(np.arange(2 * n)), 2)
    assert sorted(first) == sorted(second) == list(range(n))
    assert list(first) != list(second)


def test_wrong_mixes(domains):
    with pytest.raises(MixError, match="no tokens for domain 'x'"):
        Batches([Member({"x": 1.0}, 0)], domains, 1, 1, VOCABULARY)
    with pytest.raises(MixError, match=r"sum to 1\.3, not 1"):
        Batches([Member({"whole": 1.0, "split": 0.3}, 0)], domains, 1, 1, VOCABULARY)


def test_a_tokenizer_that_does_not_fit_the_files(domains):
    with pytest.raises(MixError, match=r"hold token 2\d\d, and the tokenizer has 200 tokens"):
        train_cohort(SETTINGS, [Member({"whole": 1.0}, 0)], domains, 200)
    with pytest.raises(MixError, match="item 'i' of task 't' holds token 300"):
        item_bpb(proxies(), [Item("t", "i", (1, 300), 1, 1)])


@pytest.mark.parametrize("apart", [excess, fusable_excess])
@pytest.mark.parametrize("rows", [100, 3_000])  # 3,000: several slices of one proxy
def test_loss_and_gradients_are_torchs(rows, apart):
    torch.manual_seed(0)
    hidden = torch.randn(2, rows, 32, requires_grad=True)
    head = torch.randn(2, VOCABULARY, 32, requires_grad=True)
    targets = torch.randint(0, VOCABULARY, (2, rows))
    assert (len(list(slices(hidden, head))) > 2) == (rows == 3_000)
    ours = head_loss(hidden, head, targets, apart=apart)
    theirs = torch.stack([F.cross_entropy(h @ w.T, t) for h, w, t in zip(hidden, head, targets, strict=True)])
    torch.testing.assert_close(ours, theirs)
    upstream = torch.tensor([1.0, -2.0])
    for mine, yours in zip(
        torch.autograd.grad(ours, (hidden, head), upstream), torch.autograd.grad(theirs, (hidden, head), upstream),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(mine, yours)
    torch.testing.assert_close(token_nats(hidden, head, targets).mean(dim=1), theirs)


def test_a_target_of_no_probability_costs_much_and_not_everything():
    hidden, head = torch.tensor([[[1_000.0]]]), torch.tensor([[[1.0], [-1.0]]])
    assert 80 < head_loss(hidden, head, torch.tensor([[1]])).item() < 1e4


def test_gradients_that_are_written_out_are_autograds():
    torch.manual_seed(0)
    x, gain = torch.randn(2, 5, 3, 8, requires_grad=True), torch.randn(2, 3, 8, requires_grad=True)
    pairs = [(norm(x, gain), F.rms_norm(x, (8,), eps=1e-6) * gain[:, None])]
    angle = torch.randn(5, 1, 4)
    cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([-angle.sin(), angle.sin()], -1)
    low, high = x[..., :4], x[..., 4:]
    turned = (low * angle.cos() - high * angle.sin(), high * angle.cos() + low * angle.sin())
    pairs.append((rotate(x, cos, sin) * gain[:, None], torch.cat(turned, -1) * gain[:, None]))
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs)
        weight = torch.randn_like(ours)
        for mine, yours in zip(
            torch.autograd.grad((ours * weight).sum(), (x, gain), retain_graph=True),
            torch.autograd.grad((theirs * weight).sum(), (x, gain), retain_graph=True), strict=True,
        ):  # fmt: skip
            torch.testing.assert_close(mine, yours)


@pytest.mark.parametrize("tied", [True, False])
def test_every_proxy_of_a_cohort_is_the_plain_decoder(tied):
    model = proxies(3, tied=tied)
    tokens = torch.randint(0, VOCABULARY, (3, 2, 32))
    with torch.no_grad():
        logits = (model(tokens) @ model.head.mT).view(3, 2, 32, VOCABULARY)
        for number in range(3):
            weights = model.weights_of(number)
            for sequence in range(2):
                plain = plain_logits(weights, tokens[number, sequence], SETTINGS.shape.heads, SETTINGS.shape.layers)
                torch.testing.assert_close(logits[number, sequence], plain, rtol=1e-4, atol=1e-5)


def test_a_gpus_program_traces_whole_and_agrees():
    """What a GPU compiles, traced without a break and run in bf16; only the kernels are the CPU's."""
    model = proxies(2)
    tokens = torch.randint(0, VOCABULARY, (2, 4, 33))
    exact = learn(model, Program(model, excess, torch.float32), tokens)
    wanted = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    trunk, apart = (
        torch.compile(f, backend="aot_eager", fullgraph=True, dynamic=False) for f in (model, fusable_excess)
    )
    found = learn(model, Program(trunk, apart, torch.bfloat16), tokens)
    torch.testing.assert_close(found, exact, rtol=5e-3, atol=0)
    for name, weight in model.named_parameters():
        cosine = F.cosine_similarity(weight.grad.flatten(), wanted[name].flatten(), dim=0)
        assert weight.grad.dtype == torch.float32
        assert cosine > 0.99, name


def test_cohorts_of_many_sizes_stay_compiled():
    """Halved, retried and uneven cohorts are shapes of their own; beyond eight, torch would run them uncompiled."""
    program_of(proxies(1), torch.device("cpu"), compiled=True)
    apart = torch.compile(fusable_excess, backend="aot_eager", fullgraph=True, dynamic=False)
    for rows in range(2, 14):
        logits, targets = torch.randn(1, rows, 7), torch.randint(7, (1, rows, 1))
        torch.testing.assert_close(apart(logits, targets), excess(logits, targets))


def test_training_learns_and_repeats_to_the_last_bit(domains):
    mix = {"whole": 0.5, "split": 0.5}
    first, second = (train_cohort(SETTINGS, [Member(mix, 1)], domains, VOCABULARY) for _ in range(2))
    assert np.array_equal(first.losses, second.losses)
    for a, b in zip(first.proxies.parameters(), second.proxies.parameters(), strict=True):
        assert torch.equal(a, b)
    other = train_cohort(SETTINGS, [Member(mix, 2)], domains, VOCABULARY)
    assert other.losses[0, 0] != first.losses[0, 0]
    assert first.losses[0, -3:].mean() < first.losses[0, 0]
    assert not first.diverged.any()


def test_item_bpb_equals_the_reference():
    model = proxies(2)
    rng = np.random.default_rng(1)
    items = []
    for number in range(50):
        length = int(rng.integers(4, 33))
        tokens = tuple(rng.integers(0, VOCABULARY, size=length).tolist())
        items.append(Item("t", str(number), tokens, int(rng.integers(1, length)), int(rng.integers(1, 40))))
    wanted = [[reference_bpb(model.weights_of(number), item) for item in items] for number in range(2)]
    np.testing.assert_allclose(item_bpb(model, items), wanted, rtol=1e-5)
    np.testing.assert_allclose(item_bpb(model, items[::-1])[:, ::-1], wanted, rtol=1e-5)


def test_validation_bpb_counts_bytes_of_the_targets(domains):
    model = proxies(2)
    sizes = np.arange(VOCABULARY)
    rows = torch.from_numpy(domains["whole"].read(np.arange(2)).astype(np.int64))
    found = validation_bpb(model, {"whole": domains["whole"]}, sizes, sequences=2)
    for number in range(2):
        nats = 0.0
        for row in rows:
            logits = plain_logits(model.weights_of(number), row[:-1], SETTINGS.shape.heads, 1)
            nats += float(F.cross_entropy(logits, row[1:], reduction="sum"))
        wanted = nats / math.log(2) / sizes[rows[:, 1:].numpy()].sum()
        assert found["whole"][number] == pytest.approx(wanted, rel=1e-5)


def test_sizes_are_what_they_are_called():
    for name, shape in SIZES.items():
        called = float(name[:-1]) * {"k": 1e3, "M": 1e6}[name[-1]]
        assert 0.89 < shape.non_embedding / called < 1.11, name
        assert shape.width % (2 * shape.heads) == 0


def test_what_is_left_out_follows_from_the_size():
    batches, rates = [], []
    for name in list(SIZES)[1:]:
        made = ProxySettings(size=name)
        assert made.tokens == 20 * SIZES[name].non_embedding
        assert made.warmup == pytest.approx(0.05, abs=1e-3)
        batches.append(made.batch)
        rates.append(made.learning_rate)
    assert batches == sorted(batches)
    assert rates == sorted(rates, reverse=True)
    longer = ProxySettings(size="1M", chinchilla=5)
    assert longer.tokens == 100 * SIZES["1M"].non_embedding
    assert longer.warmup == pytest.approx(0.01, abs=1e-4)
    assert ProxySettings(**longer.model_dump()) == longer
    assert ProxySettings(tokens=10_000).decisive() == ProxySettings(tokens=10_000, chinchilla=3, cohort=4).decisive()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": "2M"}, "the ladder is 100k, 200k, 400k, 1M"),
        ({"tokens": 2_000}, "tokens is 2000, less than one batch of 8 × 256"),
        ({"tokens": -1}, "greater than 0"),
    ],
)
def test_wrong_settings(wrong, said):
    with pytest.raises(ValidationError, match=said) as raised:
        ProxySettings(**wrong)
    assert len([e for e in raised.value.errors() if e["type"] != "default_factory_not_called"]) == 1
    assert raised.value.errors()[0]["type"] != "default_factory_not_called"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_there(domains):
    wanted = SETTINGS.model_copy(update={"device": "cuda"})
    with pytest.raises(MixError, match="no GPU is here — set device: cpu"):
        train_cohort(wanted, [Member({"whole": 1.0}, 0)], domains, VOCABULARY)
