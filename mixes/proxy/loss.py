"""Cross-entropy of a tied head without ever holding all logits.

For proxies the logits (tokens × vocabulary) are the largest tensor by far; on a CPU, writing them to memory
and reading them back costs as much as the products themselves. Here a slice of rows at a time stays in
cache: logits, softmax, and both gradients are made from it at once, in the forward pass.
"""

from typing import Any

import torch
from torch import Tensor

ROWS = 256  # positions a slice; at a vocabulary of 2,048 its logits are 2 MB (assumed: what fits a core's cache)


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
        """hidden (N, D), head (V, D), targets (N,) → mean nats per token."""
        hidden_grad = torch.empty_like(hidden)
        head_grad = torch.zeros_like(head)
        total = hidden.new_zeros(())
        for start in range(0, len(hidden), ROWS):
            rows, wanted = hidden[start : start + ROWS], targets[start : start + ROWS, None]
            logits = rows @ head.T
            logits -= logits.amax(dim=1, keepdim=True)
            right = logits.gather(1, wanted)
            logits.exp_()
            sums = logits.sum(dim=1, keepdim=True)
            total += (sums.log() - right).sum()
            logits /= sums
            logits.scatter_add_(1, wanted, torch.full_like(right, -1.0))
            logits /= len(hidden)
            torch.mm(logits, head, out=hidden_grad[start : start + ROWS])
            head_grad.addmm_(logits.T, rows)
        ctx.save_for_backward(hidden_grad, head_grad)
        return total / len(hidden)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_grad, head_grad = ctx.saved_tensors
        return hidden_grad * grads[0], head_grad * grads[0], None


def head_loss(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats of softmax(hidden @ head.T) at `targets`; hidden (N, D), head (V, D), targets (N,)."""
    loss: Tensor = _HeadLoss.apply(hidden, head, targets)
    return loss
