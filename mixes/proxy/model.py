"""Proxies: small decoder-only transformers as OLMo 2 and 3 build them, S of one shape stacked in one program.

RMSNorm stands on the output of each branch (x + norm(branch(x))), queries and keys are normalised over the whole
width, positions are rotary, feed-forward layers are SwiGLU (arXiv 2501.00656, section 3; 2512.13961). Every weight
has a leading axis S, a product is one batched product, and attention sees S·B sequences at once: on a GPU, S models
of a million parameters cost little more than one.

Shapes: S proxies, B sequences, T tokens, N = B·T, D width, H heads, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mixes.proxy.settings import Shape

EPSILON = 1e-6  # of RMSNorm, as in OLMo


def product(x: Tensor, weight: Tensor) -> Tensor:
    """x (S, N, in), weight (S, out, in) → (S, N, out); alone, a plain product, which is faster on a CPU."""
    return F.linear(x.squeeze(0), weight.squeeze(0)).unsqueeze(0) if len(x) == 1 else torch.bmm(x, weight.mT)


class _Norm(torch.autograd.Function):
    """RMSNorm with its gradient written out: half the time of autograd's on a CPU (measured: 0.6 against 1.1 ms)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor) -> Tensor:
        x = x.float()
        size = (x.square().mean(dim=-1, keepdim=True) + EPSILON).rsqrt()
        unit = x * size
        ctx.save_for_backward(unit, size, gain)
        return unit * gain[:, None]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        unit, size, gain = ctx.saved_tensors
        towards = grads[0] * gain[:, None]
        along = (towards * unit).mean(dim=-1, keepdim=True)
        return torch.addcmul(towards, unit, along, value=-1) * size, (grads[0] * unit).sum(dim=1)


def norm(x: Tensor, gain: Tensor) -> Tensor:
    """RMSNorm over the last axis of x (S, N, …, D) with gain (S, …, D)."""
    normalised: Tensor = _Norm.apply(x, gain)
    return normalised


class _Rotation(torch.autograd.Function):
    """A rotation's gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turned(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turned(grads[0], cos, -sin), None, None


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    # rolled by half, not cut and joined: of a join a compiler makes one kernel with both halves' work in each element
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE (arXiv 2104.09864) on the last axis of x (…, D/H), halves paired; sin is negative in its first half."""
    rotated: Tensor = _Rotation.apply(x, cos, sin)
    return rotated


class Block(nn.Module):
    """Attention and SwiGLU, each normalised before it is added."""

    def __init__(self, shape: Shape, cohort: int) -> None:
        super().__init__()
        width, hidden = shape.width, shape.hidden
        self.heads = shape.heads
        self.query_key = nn.Parameter(torch.empty(cohort, 2 * width, width))
        self.query_key_gain = nn.Parameter(torch.empty(cohort, 2, width))
        self.value = nn.Parameter(torch.empty(cohort, width, width))
        self.attention_out = nn.Parameter(torch.empty(cohort, width, width))
        self.attention_gain = nn.Parameter(torch.empty(cohort, width))
        self.gate = nn.Parameter(torch.empty(cohort, hidden, width))
        self.up = nn.Parameter(torch.empty(cohort, hidden, width))
        self.down = nn.Parameter(torch.empty(cohort, width, hidden))
        self.feed_gain = nn.Parameter(torch.empty(cohort, width))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(S, N, D) → (S, N, D); cos and sin (T, 1, 1, D/H)."""
        cohort, positions, width = x.shape
        length, each = len(cos), width // self.heads
        queries_keys = norm(product(x, self.query_key).unflatten(-1, (2, width)), self.query_key_gain)
        v = product(x, self.value).view(-1, length, self.heads, each)
        q, k = rotate(queries_keys.view(-1, length, 2, self.heads, each), cos, sin).to(v.dtype).unbind(dim=2)
        mixed = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(cohort, positions, width)
        x = x + norm(product(mixed, self.attention_out), self.attention_gain)
        fed = F.silu(product(x, self.gate)) * product(x, self.up)
        return x + norm(product(fed, self.down), self.feed_gain)


class Proxies(nn.Module):
    """S proxies, each started from its own seed: proxies of one seed start alike, whatever cohort they are in."""

    def __init__(self, shape: Shape, vocabulary: int, context: int, seeds: Sequence[int], tied: bool = True) -> None:
        super().__init__()
        self.shape, self.tied = shape, tied
        cohort = len(seeds)
        self.embed = nn.Parameter(torch.empty(cohort, vocabulary, shape.width))
        self.blocks = nn.ModuleList(Block(shape, cohort) for _ in range(shape.layers))
        self.gain = nn.Parameter(torch.empty(cohort, shape.width))
        if not tied:
            self.own_head = nn.Parameter(torch.empty(cohort, vocabulary, shape.width))
        half = shape.width // shape.heads // 2
        angle = torch.arange(context)[:, None, None, None] * 10_000.0 ** (-torch.arange(half) / half)
        self.register_buffer("cos", torch.cat((angle.cos(), angle.cos()), dim=-1), persistent=False)  # (T, 1, 1, D/H)
        self.register_buffer("sin", torch.cat((-angle.sin(), angle.sin()), dim=-1), persistent=False)
        self._initialise(seeds)

    @property
    def head(self) -> Tensor:
        """(S, V, D)."""
        return self.embed if self.tied else self.own_head

    @torch.no_grad()
    def _initialise(self, seeds: Sequence[int]) -> None:
        """Normal weights of sd 1/√fan-in; a generator a seed, so that no proxy depends on its fellows.

        A branch's gain starts at 1/√D, the size of an embedding's entries: from 1 on, the first branches drown what
        they read (measured at 200k on the sample: loss 4.55 nats against 4.92 at the best rate of either).
        """
        for number, seed in enumerate(seeds):
            if (first := seeds.index(seed)) < number:  # most of a swarm share one: drawing is slower than copying
                for weight in self.parameters():
                    weight[number].copy_(weight[first])
                continue
            generator = torch.Generator().manual_seed(seed)
            for name, weight in self.named_parameters():
                if name.endswith(("attention_gain", "feed_gain")):
                    weight[number].fill_(self.shape.width**-0.5)
                elif name.endswith("gain"):
                    weight[number].fill_(1.0)
                else:
                    weight[number].normal_(0, weight.shape[-1] ** -0.5, generator=generator)

    @torch.no_grad()
    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Every proxy takes the weights of one saved proxy (name → tensor without the axis S)."""
        for name, weight in self.named_parameters():
            weight.copy_(weights[name].expand_as(weight))

    def weights_of(self, number: int) -> dict[str, Tensor]:
        """Name → tensor of one proxy, on the CPU."""
        return {name: weight[number].detach().cpu().clone() for name, weight in self.named_parameters()}

    @property
    def parameters_each(self) -> int:
        """Parameters of one proxy, embedding included."""
        return sum(weight[0].numel() for weight in self.parameters())

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (S, B, T) → final normalised states (S, N, D), before the head."""
        cohort, _, length = tokens.shape
        cos, sin = self.cos[:length], self.sin[:length]  # type: ignore[index]
        x = self._embedded(tokens.reshape(cohort, -1))
        for block in self.blocks:
            x = block(x, cos, sin)
        return norm(x, self.gain)

    def _embedded(self, tokens: Tensor) -> Tensor:
        """(S, N) → (S, N, D): each proxy looks up its own table."""
        cohort, vocabulary, width = self.embed.shape
        shift = torch.arange(cohort, device=tokens.device)[:, None] * vocabulary
        return F.embedding(tokens + shift, self.embed.view(cohort * vocabulary, width))
