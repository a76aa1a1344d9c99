"""Checkpoints, from which a killed cohort goes on, and saved proxies, from which others start, in torch's own format.

Files are written aside, flushed and renamed, so they are whole or not there; they are loaded with `weights_only`,
which builds tensors, numbers and texts and never runs code from a file. A proxy to start from may come from anyone: its
file is opened only if it unpacks to no more bytes than a proxy of that shape takes.
"""

import os
import zipfile
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
from mixes.proxy.tokens import MOST_TOKENS

UNREADABLE = (OSError, RuntimeError, ValueError, EOFError, LookupError, MemoryError)
CODE = (UnpicklingError, AttributeError, TypeError)  # what torch.load raises of what is no tensor, number or text
ROOM = 2  # times a proxy's bytes in fp32 that its file may unpack to: some save in fp64
SMALL = 1 << 20  # bytes for all that is no tensor
FIX = "start from a proxy of the same size, head and tokenizer"


@dataclass(frozen=True)
class Moment:
    """How far a training is. Of the data only the step is needed: any step's batch can be made without those before."""

    step: int = 0
    seconds: float = 0.0
    waited: float = 0.0  # of them, for data


def save_moment(path: Path, moment: Moment, proxies: Proxies, optimiser: torch.optim.Optimizer, losses: Tensor) -> None:
    """Weights, AdamW's averages, losses and the step."""
    content = {"moment": asdict(moment), "weights": proxies.state_dict(), "optimiser": optimiser.state_dict()}
    _write(path, {**content, "losses": losses})


def load_moment(path: Path, proxies: Proxies, optimiser: torch.optim.Optimizer, losses: Tensor) -> Moment:
    """Restore in place what `save_moment` wrote; without a file, the beginning.

    Raises:
        MixError: the file is damaged.
    """
    for left in path.parent.glob(f".{path.name}.*"):  # what a killed process was writing
        left.unlink(missing_ok=True)
    if not path.exists():
        return Moment()
    try:
        saved = _read(path)
    except (*UNREADABLE, *CODE) as error:
        raise MixError(
            f"checkpoint {path}: damaged ({type(error).__name__}) — delete it, and its proxies start anew"
        ) from None
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
    """A saved proxy's weights, by name. Without `vocabulary` (tokens) and `tokenizer` these are not checked.

    Raises:
        MixError: the file is missing, is no saved proxy, holds code or something that is no number, or has another
            shape or vocabulary.
    """
    kind = f"a proxy of size {settings.size} over {vocabulary or MOST_TOKENS} tokens"
    size = _unpacked_size(path)
    takes = 4 * sum(weight.numel() for weight in _wanted(settings, vocabulary or MOST_TOKENS).values())
    if size > ROOM * takes + SMALL:
        raise MixError(f"proxy.init_from: {path} unpacks to {size:,} bytes, {kind} to {takes:,} — {FIX}")
    weights, theirs = _read_proxy(path)
    shapes = {name: list(weight.shape) for name, weight in weights.items()}
    tokens = vocabulary or next(iter(shapes.get("embed", [])), 1)
    wanted = _wanted(settings, tokens)
    for name in sorted(wanted.keys() | shapes.keys()):
        shape = list(wanted[name].shape[1:]) if name in wanted else None
        if shapes.get(name) != shape:
            raise MixError(
                f"proxy.init_from: {path} has {name} {shapes.get(name) or 'not at all'}, a proxy of size "
                f"{settings.size} over {tokens} tokens {shape or 'not at all'} — {FIX}"
            )
    if tokenizer and theirs != tokenizer:
        raise MixError(
            f"proxy.init_from: {path} was trained on the tokens of another tokenizer, of as many tokens as the pool's "
            "— set tokenizer.path to the tokenizer.json of the pool that it was trained on"
        )
    return weights


def _wanted(settings: ProxySettings, tokens: int) -> dict[str, Tensor]:
    """Shapes (1, …) by name; they hold no numbers."""
    with torch.device("meta"):
        return dict(Proxies(settings.shape, tokens, 1, [0], settings.tied).named_parameters())


def _unpacked_size(path: Path) -> int:
    """Bytes of what torch saved; files of other formats are not looked into."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile:
        raise _no_proxy(path, "torch.save writes no such file") from None
    except OSError as error:
        raise _no_proxy(path, str(error.strerror)) from None


def _read_proxy(path: Path) -> tuple[dict[str, Tensor], str]:
    """Name → finite numbers, and the hash of the vocabulary."""
    try:
        saved = _read(path)
    except CODE:
        raise _no_proxy(path, "it holds more than tensors, and code in it is never run") from None
    except UNREADABLE as error:
        raise _no_proxy(path, type(error).__name__) from None
    weights, tokenizer = (saved.get(key) if isinstance(saved, dict) else None for key in ("weights", "tokenizer"))
    if not isinstance(weights, dict) or not _are_tensors(weights) or not isinstance(tokenizer, str):
        raise _no_proxy(path, "it holds something else than names with finite numbers")
    return weights, tokenizer


def _no_proxy(path: Path, reason: str) -> MixError:
    return MixError(f"proxy.init_from: {path} is no saved proxy ({reason}) — keep_models: true saves them")


def _are_tensors(weights: dict[Any, Any]) -> bool:
    """Whether it is what `save_proxy` was given."""
    return all(
        isinstance(name, str)
        and isinstance(weight, Tensor)
        and weight.layout == torch.strided
        and weight.device.type == "cpu"  # and not `meta`, which has no numbers
        and weight.is_floating_point()
        and bool(weight.isfinite().all())
        for name, weight in weights.items()
    )


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
