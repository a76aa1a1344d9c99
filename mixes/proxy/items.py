"""A tokenised eval item."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One eval item; `tokens` holds context and continuation and fits the proxy's context."""

    task: str
    item: str
    tokens: tuple[int, ...]
    scored: int  # how many tokens at the end are the continuation
    size: int  # UTF-8 bytes of the continuation
