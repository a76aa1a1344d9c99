"""One table of the catalog."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table: column → (type, comment)."""

    comment: str
    key: tuple[str, ...]
    columns: dict[str, tuple[str, str]]
