"""A proxy computed the slow way, one sequence at a time."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mixes.proxy.items import Item
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings

SETTINGS = ProxySettings(size="100k", tokens=4_096, context=32, batch=8)
VOCABULARY = 300


def proxies(cohort: int = 1, seeds: list[int] | None = None, **changes: object) -> Proxies:
    made = Proxies(SETTINGS.shape, VOCABULARY, 32, seeds or list(range(cohort)), **changes)
    with torch.no_grad():  # gains off their starting values, so that forgetting one shows
        for name, weight in made.named_parameters():
            if name.endswith("gain"):
                weight.mul_(torch.linspace(0.5, 1.5, weight.shape[-1]))
    return made


def plain_logits(weights: Mapping[str, Tensor], tokens: Tensor, heads: int, layers: int) -> Tensor:
    """The decoder as its papers write it: one proxy, one sequence (T,), one head at a time; (T, V)."""
    length, width = len(tokens), weights["embed"].shape[1]
    each = width // heads
    angle = torch.arange(length)[:, None] * 10_000.0 ** (-torch.arange(each // 2) / (each // 2))

    def rms(x: Tensor, gain: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * gain

    def rope(x: Tensor) -> Tensor:
        a, b = x[:, : each // 2], x[:, each // 2 :]
        return torch.cat((a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()), dim=1)

    x = weights["embed"][tokens]
    for layer in range(layers):
        w = {name.split(".")[-1]: value for name, value in weights.items() if name.startswith(f"blocks.{layer}.")}
        q = rms(x @ w["query_key"][:width].T, w["query_key_gain"][0])
        k = rms(x @ w["query_key"][width:].T, w["query_key_gain"][1])
        v = x @ w["value"].T
        outputs = []
        for h in range(heads):
            part = slice(h * each, (h + 1) * each)
            scores = rope(q[:, part]) @ rope(k[:, part]).T / math.sqrt(each)
            scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
            outputs.append(scores.softmax(dim=-1) @ v[:, part])
        x = x + rms(torch.cat(outputs, dim=1) @ w["attention_out"].T, w["attention_gain"])
        x = x + rms((F.silu(x @ w["gate"].T) * (x @ w["up"].T)) @ w["down"].T, w["feed_gain"])
    return rms(x, weights["gain"]) @ weights.get("own_head", weights["embed"]).T


def reference_bpb(weights: Mapping[str, Tensor], item: Item) -> float:
    """One item, one token at a time, by the plain decoder."""
    bits = 0.0
    for position in range(len(item.tokens) - item.scored, len(item.tokens)):
        logits = plain_logits(weights, torch.tensor(item.tokens[:position]), SETTINGS.shape.heads, 1)[-1].double()
        bits -= float(torch.log_softmax(logits, dim=0)[item.tokens[position]]) / math.log(2)
    return bits / item.size
