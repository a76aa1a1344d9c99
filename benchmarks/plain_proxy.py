"""The proxy's decoder as people write it for one model: what benchmarks/swarm.py measures cohorts against."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mixes.proxy.settings import Shape


class PlainBlock(nn.Module):
    """The same block as people write it for one model."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.query_norm, self.key_norm, self.attention_norm, self.feed_norm = (nn.RMSNorm(width) for _ in range(4))
        self.gate, self.up = (nn.Linear(width, shape.hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(shape.hidden, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        heads = (*x.shape[:2], self.heads, -1)
        q = self.query_norm(self.query(x)).view(heads).transpose(1, 2)
        k = self.key_norm(self.key(x)).view(heads).transpose(1, 2)
        v = self.value(x).view(heads).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(turned(q, cos, sin), turned(k, cos, sin), v, is_causal=True)
        x = x + self.attention_norm(self.out(mixed.transpose(1, 2).flatten(2)))
        return x + self.feed_norm(self.down(F.silu(self.gate(x)) * self.up(x)))


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE."""
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


class Plain(nn.Module):
    """The same decoder, tied, for one model."""

    def __init__(self, shape: Shape, vocabulary: int, context: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, shape.width)
        self.blocks = nn.ModuleList(PlainBlock(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        half = shape.width // shape.heads // 2
        angle = torch.arange(context)[:, None] * 10_000.0 ** (-torch.arange(half) / half)
        self.cos, self.sin = angle.cos(), angle.sin()

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.linear(self.norm(x), self.embed.weight)
