"""Cross-entropy of the head without ever holding all logits.

For proxies the logits (tokens × vocabulary) are the largest tensor by far; on a CPU, writing them to memory and
reading them back costs as much as the products themselves, and on a GPU those of a cohort would not fit. Here a
slice of them is made, turned into both gradients at once, in the forward pass, and forgotten.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from mixes.proxy.model import product

CPU_LOGITS = 1 << 19  # logits of a slice: 2 MB, what a core's cache holds
GPU_LOGITS = 1 << 28  # 512 MiB in bf16, twice that with its gradient (assumed: products large enough for any GPU)

Excess = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def excess(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """logits (s, R, V), targets (s, R, 1) → nats (s, R), and softmax less one at the target, the loss's gradient."""
    shares = torch.softmax(logits.float(), dim=-1)
    right = shares.gather(2, targets)
    nats = -right.clamp_min(torch.finfo(torch.float32).tiny).log().squeeze(2)
    return nats, shares.scatter_(2, targets, right - 1).to(logits.dtype)


def fusable_excess(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The same without a scatter, so that a compiler makes one pass of it: on a GPU memory is what it costs."""
    logits_of = logits.float()
    right = logits_of.gather(2, targets)
    total = logits_of.logsumexp(dim=-1, keepdim=True)
    hit = torch.arange(logits.shape[-1], device=logits.device) == targets
    return (total - right).squeeze(2), ((logits_of - total).exp() - hit.float()).to(logits.dtype)


def slices(hidden: Tensor, head: Tensor) -> Iterator[tuple[slice, slice]]:
    """(proxies, positions): as many proxies whole as fit, else one proxy's positions piece by piece."""
    cohort, positions, _ = hidden.shape
    room = GPU_LOGITS if hidden.is_cuda else CPU_LOGITS
    rows = max(1, min(positions, room // head.shape[1]))
    together = max(1, room // (rows * head.shape[1])) if hidden.is_cuda else 1
    for first in range(0, cohort, together):
        for start in range(0, positions, rows):
            yield slice(first, first + together), slice(start, start + rows)


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, dtype: torch.dtype, apart: Excess) -> Tensor:
        hidden_grad, head_grad = torch.empty_like(hidden, dtype=dtype), torch.zeros_like(head)
        nats = torch.empty_like(targets, dtype=torch.float32)
        rows_of, head_of = hidden.to(dtype), head.to(dtype)
        for some, part in slices(hidden, head):
            rows, columns = rows_of[some, part], head_of[some]
            nats[some, part], gap = apart(product(rows, columns), targets[some, part, None])
            torch.bmm(gap, columns, out=hidden_grad[some, part])
            head_grad[some] += torch.bmm(gap.mT, rows)
        ctx.save_for_backward(hidden_grad, head_grad)
        return nats.mean(dim=1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        hidden_grad, head_grad = ctx.saved_tensors
        scale = (grads[0] / hidden_grad.shape[1])[:, None, None]  # the mean's share
        return hidden_grad * scale, head_grad * scale, None, None, None


def head_loss(
    hidden: Tensor, head: Tensor, targets: Tensor, dtype: torch.dtype = torch.float32, apart: Excess = excess
) -> Tensor:
    """Mean nats of softmax(hidden @ headᵀ) at `targets`, (S,); hidden (S, N, D), head (S, V, D), targets (S, N).

    dtype: of the products; apart: `excess`, or a compiled one.
    """
    loss: Tensor = _HeadLoss.apply(hidden, head, targets, dtype, apart)
    return loss


@torch.no_grad()
def token_nats(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Nats of each target, (S, N), for evaluation; the same shapes."""
    nats = torch.empty_like(targets, dtype=torch.float32)
    for some, part in slices(hidden, head):
        logits = product(hidden[some, part], head[some])
        right = logits.gather(2, targets[some, part, None]).squeeze(2)
        nats[some, part] = logits.logsumexp(dim=-1) - right
    return nats
