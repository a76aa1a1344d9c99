"""Weights and bounds as options and addresses have them: `code=0.7`, `web/*=0.3:0.8`."""

from typing import Any

from flows.errors import ExperimentError


def named_numbers(option: str, given: list[str] | None) -> dict[str, float] | None:
    """`["code=0.7", "math=0.3"]` as a dictionary."""
    if not given:
        return None
    named = {}
    for text in given:
        name, _, value = text.rpartition("=")
        if name.strip() in named:
            raise ExperimentError(f"--{option} {text!r}: {name.strip()!r} is given twice — give it once")
        try:
            named[name.strip()] = float(value)
        except ValueError:
            raise ExperimentError(f"--{option} {text!r}: write family=number, for example code=0.7") from None
    return named


def bounds_of(given: list[str] | None) -> dict[str, Any] | None:
    """`["web/*=0.3:0.8", "books=0.1"]` as the experiment file's `bounds`."""
    if not given:
        return None
    bounds: dict[str, Any] = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            ends = [float(end) if end.strip() else None for end in value.split(":")]
        except ValueError:
            ends = []
        if name.strip() in bounds:
            raise ExperimentError(f"--bound {text!r}: {name.strip()!r} is given twice — give it once, as low:high")
        if not name or len(ends) not in (1, 2) or not any(end is not None for end in ends):
            raise ExperimentError(f"--bound {text!r}: write domain=low:high or domain=weight, as web/*=0.3:0.8")
        bounds[name.strip()] = ends[0] if len(ends) == 1 else ends
    return bounds
