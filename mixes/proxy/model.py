"""The proxy: a small decoder-only transformer (OLMo-style blocks: RMSNorm, RoPE, SwiGLU, tied head).

Shapes: B sequences, T tokens, D width, H heads, V vocabulary.
Sources: Touvron et al. 2023 (RMSNorm, RoPE, SwiGLU together), arXiv 2302.13971.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mixes.proxy.settings import Shape


class Block(nn.Module):
    """Pre-norm attention and SwiGLU branches."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attention_norm = nn.RMSNorm(shape.width)
        self.query_key_value = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attention_out = nn.Linear(shape.width, shape.width, bias=False)
        self.feed_norm = nn.RMSNorm(shape.width)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:  # (B, T, D) → (B, T, D)
        batch, length, width = x.shape
        qkv = self.query_key_value(self.attention_norm(x))
        q, k, v = qkv.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # each (B, H, T, D/H)
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width))
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE (arXiv 2104.09864) on (B, H, T, D/H), halves paired."""
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


class Proxy(nn.Module):
    """Token ids (B, T) → logits (B, T, V); the head is the embedding, transposed."""

    def __init__(self, shape: Shape, vocabulary: int, context: int, seed: int) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        half = shape.width // shape.heads // 2
        angle = torch.arange(context)[:, None] * 10_000.0 ** (-torch.arange(half) / half)  # (T, D/H/2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        self._initialise(seed)

    def _initialise(self, seed: int) -> None:
        """Normal weights of sd 1/√fan-in, branch outputs scaled by 1/√(2·layers); a generator of its own."""
        generator = torch.Generator().manual_seed(seed)
        branch = 1 / math.sqrt(2 * self.shape.layers)
        with torch.no_grad():
            self.embed.weight.normal_(0, self.shape.width**-0.5, generator=generator)
            for module in self.modules():
                if isinstance(module, Block):
                    for linear, scale in (
                        (module.query_key_value, 1.0),
                        (module.attention_out, branch),
                        (module.gate_up, 1.0),
                        (module.down, branch),
                    ):
                        linear.weight.normal_(0, scale * linear.in_features**-0.5, generator=generator)

    def hidden(self, tokens: Tensor) -> Tensor:  # (B, T) → (B, T, D)
        """Final normalised states, before the head: evaluation only multiplies the positions it scores."""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]  # type: ignore[index]
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)

    def forward(self, tokens: Tensor) -> Tensor:  # (B, T) → (B, T, V)
        return F.linear(self.hidden(tokens), self.embed.weight)
