"""What `gc` lists, as a table and lines."""

from flows.gc.gc import INTERRUPTED, Leftovers
from mixes.show.printable import one_line

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def table_of_leftovers(found: Leftovers) -> list[list[str]]:
    """A head, a row per item, the largest first, and the sum."""
    rows = [[item.kind, item.path.name, sized(item.bytes), item.why] for item in found.items]
    return [["kind", "name", "size", "why"], *rows, ["sum", f"{len(rows)} items", sized(found.bytes), ""]]


def lines_of_kept(found: Leftovers) -> list[str]:
    """What stays, and for what."""
    return [
        one_line(
            f"Kept: {len(kept.stages)} {'stages' if len(kept.stages) > 1 else 'stage'}, {sized(kept.bytes)}: {kept.why}."
        )
        for kept in found.kept
    ] + ["Records of runs, recommendations and blends are always kept."]


def has_interrupted(found: Leftovers) -> bool:
    """Whether something is listed that a run would go on with."""
    return any(item.kind == INTERRUPTED for item in found.items)


def sized(count: float) -> str:
    """`3.2 GB`"""
    for unit in UNITS[:-1]:
        if count < 1_000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} {UNITS[-1]}"
