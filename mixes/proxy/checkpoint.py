"""What a killed cohort goes on from, and trained proxies to start others from: tensors in torch's own format.

Files are written aside, flushed and renamed, so they are whole or not there; they are loaded with `weights_only`,
which builds tensors, numbers and texts and never runs what a file says.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from mixes.errors import MixError
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings

# What torch.load raises, and what comes of reading another content than ours.
UNREADABLE = (
    OSError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError, UnpicklingError,
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """How far a training is. Data needs no more than the step: any step's batch can be had without those before."""

    step: int = 0
    seconds: float = 0.0
    waited: float = 0.0  # of them, for data


def save_moment(path: Path, moment: Moment, proxies: Proxies, optimiser: torch.optim.Optimizer, losses: Tensor) -> None:
    """Weights, AdamW's averages, losses and the step."""
    content = {"moment": asdict(moment), "weights": proxies.state_dict(), "optimiser": optimiser.state_dict()}
    _write(path, {**content, "losses": losses})


def load_moment(path: Path, proxies: Proxies, optimiser: torch.optim.Optimizer, losses: Tensor) -> Moment:
    """Restore in place what `save_moment` wrote; without a file, the beginning."""
    for left in path.parent.glob(f".{path.name}.*"):  # what a killed process was writing
        left.unlink(missing_ok=True)
    if not path.exists():
        return Moment()
    saved = _read(path)
    proxies.load_state_dict(saved["weights"])
    optimiser.load_state_dict(saved["optimiser"])
    losses.copy_(saved["losses"])
    return Moment(**saved["moment"])


def save_proxy(path: Path, weights: Mapping[str, Tensor], tokenizer: str) -> None:
    """One proxy's weights, by name, and a hash of the vocabulary that its embedding is of."""
    _write(path, {"weights": dict(weights), "tokenizer": tokenizer})


def load_proxy(
    path: Path, settings: ProxySettings, vocabulary: int | None = None, tokenizer: str | None = None
) -> dict[str, Tensor]:
    """A saved proxy's weights, by name. Without `vocabulary` (tokens) and `tokenizer` those are not looked at.

    Raises:
        MixError: it is not there, is no saved proxy, has another shape, another vocabulary, or weights that are no
            numbers.
    """
    try:
        saved = _read(path)
        if not isinstance(saved, dict):
            raise TypeError(type(saved).__name__)
        weights, theirs = dict(saved["weights"]), saved["tokenizer"]
        shapes = {name: list(weight.shape) for name, weight in weights.items()}
        numbers = all(bool(torch.isfinite(weight).all()) for weight in weights.values())
    except UNREADABLE as error:
        raise MixError(
            f"proxy.init_from: {path} is no saved proxy ({type(error).__name__}) — keep_models: true saves them"
        ) from None
    tokens = vocabulary or next(iter(shapes.get("embed", [])), 1)
    with torch.device("meta"):
        wanted = dict(Proxies(settings.shape, tokens, 1, [0], settings.tied).named_parameters())
    for name in sorted(wanted.keys() | shapes.keys()):
        ours = list(wanted[name].shape[1:]) if name in wanted else None
        if shapes.get(name) != ours:
            raise MixError(
                f"proxy.init_from: {path} has {name} {shapes.get(name) or 'not at all'}, a proxy of size "
                f"{settings.size} over {tokens} tokens {ours or 'not at all'} — start from a proxy of the same size, "
                "head and tokenizer"
            )
    if tokenizer and theirs != tokenizer:
        raise MixError(
            f"proxy.init_from: {path} was trained on the tokens of another tokenizer, of as many tokens as the pool's "
            "— set tokenizer.path to the tokenizer.json of the pool that it was trained on"
        )
    if not numbers:
        raise MixError(f"proxy.init_from: {path} holds weights that are no numbers — start from a sound proxy")
    return weights


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content
