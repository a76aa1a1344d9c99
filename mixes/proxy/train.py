"""Trains one proxy on one mix: AdamW, warm-up, a flat stretch, a linear fall to zero."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mixes.errors import MixError
from mixes.proxy.loss import head_loss
from mixes.proxy.model import Proxy
from mixes.proxy.settings import ProxySettings
from mixes.proxy.tokens import DomainTokens, batches

CLIP = 1.0  # gradient norm (assumed, as in most language-model recipes)
BETAS = (0.9, 0.95)  # AdamW, as in LLaMA's recipe


@dataclass(frozen=True)
class Trained:
    """A trained proxy and how its training went."""

    model: Proxy
    losses: tuple[float, ...]  # nats per token, one a step
    seconds: float


def train_proxy(
    settings: ProxySettings,
    weights: Mapping[str, float],
    domains: Mapping[str, DomainTokens],
    vocabulary: int,
    seed: int,
) -> Trained:
    """Train one proxy on `weights` (domain → share of tokens); `seed` fixes initial weights and data order.

    On one CPU thread the result is the same to the last bit for the same arguments.

    Raises:
        MixError: the loss is no longer a number, or a weight names an unknown domain.
    """
    started = time.perf_counter()
    model = Proxy(settings.shape, vocabulary, settings.context, seed).to(settings.device)
    optimiser = torch.optim.AdamW(_groups(model, settings), lr=settings.learning_rate, betas=BETAS, fused=True)
    losses: list[Tensor] = []
    for step, rows in enumerate(batches(weights, domains, settings.steps, settings.batch, seed)):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * rate(step, settings)
        tokens = torch.from_numpy(rows).to(settings.device)
        loss = head_loss(model.hidden(tokens[:, :-1]).flatten(0, 1), model.embed.weight, tokens[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.detach())
    curve = tuple(torch.stack(losses).tolist())
    if not math.isfinite(curve[-1]):
        raise MixError(f"proxy: the loss became {curve[-1]} — lower proxy.learning_rate ({settings.learning_rate})")
    return Trained(model, curve, time.perf_counter() - started)


def rate(step: int, settings: ProxySettings) -> float:
    """Share of the peak learning rate at `step` (from 0)."""
    warm = settings.warmup * settings.steps
    rising = (step + 1) / warm if step < warm else 1.0
    falling = (settings.steps - step) / max(1.0, settings.decay * settings.steps)
    return min(1.0, rising, falling)


def _groups(model: Proxy, settings: ProxySettings) -> list[dict]:
    """Weight decay for the matrices inside the blocks; none for norms and the embedding."""
    decayed = [p for name, p in model.named_parameters() if p.ndim == 2 and not name.startswith("embed")]
    kept = [p for name, p in model.named_parameters() if p.ndim != 2 or name.startswith("embed")]
    return [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
