"""Trains a cohort: S proxies of one shape, each on its own mix, in one program. One proxy is a cohort of one.

AdamW with a warm-up, a flat stretch and a linear fall to zero. Nothing couples the proxies: losses, gradients and
their clipping are each proxy's own, so a cohort gives the scores that its members would have reached alone, and one
that diverges does not harm the others. On a GPU products are in bf16 and the trunk is compiled; on a CPU all is fp32.
"""

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mixes.proxy.checkpoint import Moment, load_moment, save_moment
from mixes.proxy.device import prepare_device
from mixes.proxy.feed import Feed
from mixes.proxy.loss import Excess, excess, fusable_excess, head_loss
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings
from mixes.proxy.tokens import Batches, DomainTokens, Member

CLIP = 1.0  # gradient norm of a proxy (assumed, as in most language-model recipes)
BETAS = (0.9, 0.95)  # AdamW, as in LLaMA's recipe
# One fused kernel for a norm's gradients along both axes: of torch 2.10 and 2.11 it breaks a proxy alone (pytorch
# #178080, seen at 15M), of later ones it was wrong in silence in some models (#193061); cohorts never get it.
OPTIONS = {"triton.mix_order_reduction": False}
COMPILED = 256  # shapes of one function that a process compiles: cohorts of other sizes, halves, slices of their logits
WATCHED = 0.05  # share of the steps over which a loss is averaged to tell whether it diverged (assumed)
STEADY = 10  # steps, at least, that the last loss and the best one are means of
RISEN = 0.5  # nats that a proxy may end above its own best (assumed: mixes move final losses by less)


@dataclass(frozen=True)
class Trained:
    """A trained cohort and how its training went."""

    proxies: Proxies
    losses: np.ndarray  # (S, steps) nats per token; fewer steps where every proxy had diverged
    diverged: np.ndarray  # (S,) whether its loss was not finite, stayed above that of knowing nothing, or rose again
    seconds: float
    waited: float  # of them, for data


@dataclass(frozen=True)
class Program:
    """How a device runs a step: the trunk, the middle of the loss, and the precision of products."""

    trunk: Callable[[Tensor], Tensor]
    apart: Excess
    dtype: torch.dtype


def program_of(proxies: Proxies, device: torch.device, compiled: bool) -> Program:
    """Compiled and in bf16 on a GPU; `compiled` also works on a CPU, where it takes longer than it saves."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    if not compiled:
        return Program(proxies, excess, dtype)
    torch._dynamo.config.recompile_limit = COMPILED  # from the ninth on, the default runs uncompiled, and only warns
    whole = partial(torch.compile, dynamic=False, fullgraph=True, options=OPTIONS)
    return Program(whole(proxies), whole(fusable_excess), dtype)


def train_cohort(
    settings: ProxySettings,
    members: Sequence[Member],
    domains: Mapping[str, DomainTokens],
    vocabulary: int,
    start: Mapping[str, Tensor] | None = None,
    checkpoint: Path | None = None,
    parts: int = 1,
    say: Callable[[str], None] | None = None,
) -> Trained:
    """Train one proxy for each of `members`.

    start: weights to begin with, of one proxy; checkpoint: file that the training goes on from, and writes; parts:
    pieces that a batch is cut into, where it does not fit the memory whole; say: gets one line per window of steps on
    how training goes. On one CPU thread the result is the same to the last bit for the same arguments, interrupted or
    not.

    Raises:
        MixError: no GPU, a weight names an unknown domain, a token is outside of the vocabulary.
        torch.OutOfMemoryError: the cohort does not fit.
    """
    device = prepare_device(settings)
    began = time.monotonic()
    batches = Batches(members, domains, settings.steps, settings.batch, vocabulary)
    proxies = Proxies(settings.shape, vocabulary, settings.context, [m.seed for m in members], settings.tied)
    if start:
        proxies.start_from(start)
    proxies.to(device)
    optimiser = optimiser_of(proxies, settings)
    losses = torch.zeros(len(members), settings.steps, device=device)
    before = load_moment(checkpoint, proxies, optimiser, losses) if checkpoint else Moment()
    program = program_of(proxies, device, compiled=device.type == "cuda")
    done, saved, limit = before.step, began, math.log(vocabulary)
    window = max(1, round(WATCHED * settings.steps))
    with Feed(batches.from_step(before.step), device) as feed:
        for tokens in feed:
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * rate(done, settings)
            losses[:, done] = learn(proxies, program, tokens, parts)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            done += 1
            if checkpoint and time.monotonic() - saved >= settings.checkpoint_seconds and done < settings.steps:
                moment = Moment(done, before.seconds + time.monotonic() - began, before.waited + feed.waited)
                save_moment(checkpoint, moment, proxies, optimiser, losses)
                saved = time.monotonic()
            if done % window == 0:
                so_far = losses[:, :done].cpu().numpy()
                if say:
                    say(_line(settings, so_far, window, done - before.step, time.monotonic() - began))
                if has_diverged(so_far, window, limit).all():
                    break
    curve = losses[:, :done].cpu().numpy()
    return Trained(
        proxies, curve, has_diverged(curve, window, limit) | has_risen(curve, max(window, STEADY)),
        before.seconds + time.monotonic() - began, before.waited + feed.waited,
    )  # fmt: skip


def _line(settings: ProxySettings, losses: np.ndarray, window: int, steps: int, seconds: float) -> str:
    """One line: steps done, mean loss of the last ones, speed over all proxies, and time left."""
    done, left = losses.shape[1], settings.steps - losses.shape[1]
    speed = len(losses) * steps * settings.batch * settings.context / seconds
    return (
        f"step {done:>6} of {settings.steps}  loss {losses[:, -window:].mean():.3f}  "
        f"{speed:>12,.0f} tokens/s  {seconds / steps * left:6.0f} s left"
    )


def learn(proxies: Proxies, program: Program, tokens: Tensor, parts: int = 1) -> Tensor:
    """Each proxy's mean nats per token (S,) on tokens (S, B, T + 1); leaves its clipped gradients behind."""
    losses = torch.zeros(len(tokens), device=tokens.device)
    low = program.dtype != torch.float32
    for piece in tokens.chunk(parts, dim=1):
        share = piece.shape[1] / tokens.shape[1]
        with torch.autocast(tokens.device.type, program.dtype) if low else contextlib.nullcontext():
            hidden = program.trunk(piece[..., :-1])
        nats = head_loss(hidden, proxies.head, piece[..., 1:].flatten(1), program.dtype, program.apart) * share
        nats.sum().backward()
        losses += nats.detach()
    clip_each(proxies)
    return losses


@torch.no_grad()
def clip_each(proxies: Proxies) -> None:
    """Scale each proxy's gradient to a norm of at most CLIP: its own norm, not the cohort's."""
    gradients = [weight.grad for weight in proxies.parameters() if weight.grad is not None]
    norms = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients])
    scale = (CLIP / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.ndim - 1)))


def rate(step: int, settings: ProxySettings) -> float:
    """Share of the peak learning rate at `step` (from 0)."""
    warm = settings.warmup * settings.steps
    rising = (step + 1) / warm if step < warm else 1.0
    falling = (settings.steps - step) / max(1.0, settings.decay * settings.steps)
    return min(1.0, rising, falling)


def has_diverged(losses: np.ndarray, window: int, limit: float) -> np.ndarray:
    """(S,) of losses (S, n): one is not finite, or over `window` steps in a row their mean was above both the first
    one and `limit`, the loss of a proxy that knows nothing."""
    odd = ~np.isfinite(losses).all(axis=1)
    if losses.shape[1] <= window:
        return odd
    with np.errstate(invalid="ignore"):
        return odd | (_means(losses, window) > np.maximum(losses[:, :1], limit)).any(axis=1)


def has_risen(losses: np.ndarray, window: int) -> np.ndarray:
    """(S,) of losses (S, n) of whole trainings: the mean of the last `window` steps is RISEN above the best mean of as
    many steps.

    A proxy that fell, broke and never came back knows something, so it may end below the `limit` of `has_diverged`.
    """
    if losses.shape[1] <= 2 * window:
        return np.zeros(len(losses), dtype=bool)
    means = _means(losses, window)
    with np.errstate(invalid="ignore"):
        return np.asarray(means[:, -1] > means.min(axis=1) + RISEN)


def _means(losses: np.ndarray, window: int) -> np.ndarray:
    """(S, n − window) means over `window` steps in a row."""
    sums = np.cumsum(losses.astype(float), axis=1)
    return (sums[:, window:] - sums[:, :-window]) / window


def optimiser_of(proxies: Proxies, settings: ProxySettings) -> torch.optim.Optimizer:
    """AdamW in one fused step over all proxies; matrices inside the blocks decay, gains, embedding and head do not."""
    decayed: list[Tensor] = []
    kept: list[Tensor] = []
    for name, weight in proxies.named_parameters():
        (decayed if name.startswith("blocks") and not name.endswith("gain") else kept).append(weight)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=BETAS, fused=True)
