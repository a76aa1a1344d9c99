"""A mix that somebody typed, a line per domain: `code 12 %`, `code: 0.12` or `code = 3`."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from flows.errors import ExperimentError
from mixes.errors import cut_short, did_you_mean

LINE = re.compile(r"\s*(?P<name>.+?)\s*[:=\s]\s*(?P<number>[0-9.]+(?:e-?[0-9]+)?)\s*%?\s*", re.IGNORECASE)


def typed_mix(text: str, domains: Sequence[str]) -> dict[str, float]:
    """Domain → share. Domains that are not named get 0, and the numbers are scaled to sum to 1.

    Raises:
        ExperimentError: a line that is no domain and number, a domain named twice, or no number above 0.
    """
    weights: dict[str, float] = {}
    for line in filter(None, map(str.strip, re.split(r"[\n;]", text))):
        match = LINE.fullmatch(line)
        try:
            name, weight = (match["name"], float(match["number"])) if match else ("", 0.0)
        except ValueError:
            match = None
        if match is None:
            raise ExperimentError(f"own mix: {cut_short(line)} is no domain and number — write for example: books 12 %")
        if name not in domains:
            raise ExperimentError(f"own mix: no domain {cut_short(name)} — {did_you_mean(name, list(domains))}")
        if name in weights:
            raise ExperimentError(f"own mix: {name!r} is named twice — name it once")
        weights[name] = weight
    total = sum(weights.values())
    if not 0 < total < float("inf"):
        raise ExperimentError("own mix: no domain has a weight above 0 — write for example: books 12 %")
    return {name: weights.get(name, 0.0) / total for name in domains}


def as_typed(mix: Mapping[str, float]) -> str:
    """A mix as lines that `typed_mix` reads."""
    return "\n".join(f"{name} {100 * weight:.4g} %" for name, weight in mix.items())


def shares_of(text: str, domains: Sequence[str]) -> dict[str, float]:
    """Domain → percent of a mix that was typed, the largest first; all alike where it cannot be read."""
    mix = dict.fromkeys(domains, 1 / len(domains))
    with suppress(ExperimentError):
        mix = typed_mix(text, domains)
    return {name: round(100 * mix[name], 4) for name in sorted(mix, key=lambda name: (-mix[name], name))}


def scaled(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares that sum to one, where any is above 0."""
    total = sum(shares.values()) or 1.0
    return {name: share / total for name, share in shares.items()}
