"""Scores a proxy in bits per byte: on the suite's tasks, and on each domain's validation split.

bpb of an item = −log2 p(gold continuation | context) ÷ UTF-8 bytes of the continuation; a task's bpb is the
mean over its items. The continuation is scored as the suite gives it: OLMo's carry their leading space, and
the space counts as a byte (the version of OLMo's two that its in-loop suite uses).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mixes.proxy.items import Item
from mixes.proxy.model import Proxy
from mixes.proxy.tokens import DomainTokens

TOKENS_A_BATCH = 4096  # evaluated together


@torch.no_grad()
def item_bpb(model: Proxy, items: Sequence[Item], device: str = "cpu") -> np.ndarray:
    """Bits per byte of each item's continuation, (n_items,), in the order given."""
    bpb = np.empty(len(items))
    by_length = sorted(range(len(items)), key=lambda i: (len(items[i].tokens), i))
    start = 0
    while start < len(by_length):
        end = start + 1
        while end < len(by_length) and len(items[by_length[end]].tokens) * (end + 1 - start) <= TOKENS_A_BATCH:
            end += 1
        chosen = by_length[start:end]
        bits = _continuation_bits(model, [items[i] for i in chosen], device)
        bpb[chosen] = bits / np.array([items[i].size for i in chosen])
        start = end
    return bpb


def _continuation_bits(model: Proxy, items: Sequence[Item], device: str) -> np.ndarray:
    """−log2 p(continuation | context), (n_items,): only the scored positions meet the head."""
    longest = max(len(item.tokens) for item in items)
    rows = torch.zeros((len(items), longest), dtype=torch.long)
    scored = torch.zeros((len(items), longest), dtype=torch.bool)
    for number, item in enumerate(items):
        length = len(item.tokens)
        rows[number, :length] = torch.tensor(item.tokens)
        scored[number, length - item.scored : length] = True
    hidden = model.hidden(rows[:, :-1].to(device))[scored[:, 1:].to(device)]  # (scored, D)
    nats = F.cross_entropy(F.linear(hidden, model.embed.weight), rows[scored].to(device), reduction="none")
    ends = np.cumsum([item.scored for item in items])[:-1]
    return np.array([part.sum() for part in np.split(nats.double().cpu().numpy(), ends)]) / math.log(2)


@torch.no_grad()
def validation_bpb(
    model: Proxy, domains: Mapping[str, DomainTokens], token_bytes: np.ndarray, most: int, device: str = "cpu"
) -> dict[str, float]:
    """Bits per byte on each domain's validation split, its first `most` sequences.

    token_bytes: (vocabulary,) UTF-8 bytes that each token stands for; 0 for special tokens.
    """
    scores = {}
    for name, domain in sorted(domains.items()):
        nats = size = 0.0
        for number in range(min(most, domain.sequences)):
            tokens: Tensor = torch.from_numpy(domain.sequence(number).astype(np.int64))[None].to(device)
            nats += float(F.cross_entropy(model(tokens[:, :-1])[0], tokens[0, 1:], reduction="sum"))
            size += float(token_bytes[tokens[0, 1:].cpu()].sum())
        if size:
            scores[name] = nats / math.log(2) / size
    return scores
