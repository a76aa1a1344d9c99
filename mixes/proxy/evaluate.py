"""Scores a cohort in bits per byte: on the suite's tasks, and on each domain's validation split.

bpb of an item = −log2 p(gold continuation | context) ÷ UTF-8 bytes of the continuation; a task's bpb is the
mean over its items. The continuation is scored as the suite gives it: OLMo's carry their leading space, and
the space counts as a byte (the version of OLMo's two that its in-loop suite uses).

All proxies see an item at once, and items of about the same length share a batch, so little of it is padding (5 % on
the sample's suite); only scored positions meet the head. Always in fp32, so that rounding adds no noise to a swarm.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mixes.errors import MixError
from mixes.proxy.items import Item
from mixes.proxy.loss import token_nats
from mixes.proxy.model import Proxies
from mixes.proxy.tokens import DomainTokens

CPU_TOKENS = 4_096  # evaluated together, over all proxies
GPU_TOKENS = 262_144


@torch.no_grad()
def item_bpb(proxies: Proxies, items: Sequence[Item], share: float = 1.0) -> np.ndarray:
    """Bits per byte of each item's continuation, (S, n_items), in the order given.

    share: of the tokens that are usually evaluated together; below 1 where memory is short.

    Raises:
        MixError: an item holds a token that is not in the vocabulary.
    """
    vocabulary = proxies.head.shape[1]
    for item in items:
        if max(item.tokens) >= vocabulary:
            raise MixError(
                f"suite: item {item.item!r} of task {item.task!r} holds token {max(item.tokens)}, and the tokenizer "
                f"has {vocabulary} tokens — tokenise the suite with the pool's tokenizer"
            )
    cohort = len(proxies.head)
    bpb = np.empty((cohort, len(items)))
    for chosen in _batches(items, max(1, int(share * _together(proxies)) // cohort)):
        bits = _continuation_bits(proxies, [items[i] for i in chosen])
        bpb[:, chosen] = bits / np.array([items[i].size for i in chosen])
    return bpb


def _together(proxies: Proxies) -> int:
    return GPU_TOKENS if proxies.head.is_cuda else CPU_TOKENS


def _batches(items: Sequence[Item], tokens: int) -> Iterator[list[int]]:
    """Numbers of items of about the same length, up to `tokens` together, padding included."""
    by_length = sorted(range(len(items)), key=lambda i: (len(items[i].tokens), i))
    start = 0
    while start < len(by_length):
        end = start + 1
        while end < len(by_length) and len(items[by_length[end]].tokens) * (end + 1 - start) <= tokens:
            end += 1
        yield by_length[start:end]
        start = end


def _continuation_bits(proxies: Proxies, items: Sequence[Item]) -> np.ndarray:
    """−log2 p(continuation | context), (S, n_items)."""
    longest = max(len(item.tokens) for item in items)
    rows = torch.zeros((len(items), longest), dtype=torch.long)
    scored = torch.zeros((len(items), longest), dtype=torch.bool)
    for number, item in enumerate(items):
        length = len(item.tokens)
        rows[number, :length] = torch.tensor(item.tokens)
        scored[number, length - item.scored : length] = True
    nats = _nats(proxies, rows, scored[:, 1:].flatten())
    ends = np.cumsum([0, *(item.scored for item in items)])[:-1]
    return np.add.reduceat(nats, ends, axis=1) / math.log(2)


def _nats(proxies: Proxies, rows: Tensor, scored: Tensor | None = None) -> np.ndarray:
    """Nats of the tokens that follow, in float64: rows (B, T + 1) → (S, B · T), or only those `scored` (B · T)."""
    rows = rows.to(proxies.head.device)
    cohort = len(proxies.head)
    hidden = proxies(rows[:, :-1].expand(cohort, -1, -1))  # (S, B · T, D)
    targets = rows[:, 1:].flatten()
    if scored is not None:
        where = scored.nonzero().flatten().to(rows.device)
        hidden, targets = hidden[:, where], targets[where]
    return token_nats(hidden, proxies.head, targets.expand(cohort, -1)).double().cpu().numpy()


@torch.no_grad()
def validation_bpb(
    proxies: Proxies, domains: Mapping[str, DomainTokens], token_bytes: np.ndarray, sequences: int, share: float = 1.0
) -> dict[str, np.ndarray]:
    """Domain → bits per byte (S,) on its validation split, at most its first `sequences` sequences.

    token_bytes: (vocabulary,) UTF-8 bytes that each token stands for; 0 for special tokens. share: as for `item_bpb`.
    """
    cohort, scores = len(proxies.head), {}
    for name, domain in sorted(domains.items()):
        rows = domain.read(np.arange(min(sequences, domain.sequences))).astype(np.int64)
        size = token_bytes[rows[:, 1:]].sum()
        together = max(1, int(share * _together(proxies)) // cohort // domain.context)
        nats = sum(
            _nats(proxies, torch.from_numpy(rows[start : start + together])).sum(axis=1)
            for start in range(0, len(rows), together)
        )
        if size:
            scores[name] = nats / math.log(2) / size
    return scores
