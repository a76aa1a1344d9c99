"""What `gc` lists, as a table and lines."""

from flows.gc.gc import Leftovers
from mixes.show.printable import one_line

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def table_of_leftovers(found: Leftovers) -> list[list[str]]:
    """A head, a row per item, the largest first, and the sum."""
    rows = [[item.kind, item.path.name, sized(item.bytes), item.why] for item in found.items]
    return [["kind", "name", "size", "why"], *rows, ["sum", f"{len(rows)} items", sized(found.bytes), ""]]


def lines_of_kept(found: Leftovers) -> list[str]:
    """What stays, and for what."""
    lines = [f"Kept: {_counted(len(kept.stages))}, {sized(kept.bytes)}: {kept.why}." for kept in found.kept]
    return [*map(one_line, lines), "Records of runs, recommendations and blends are always kept."]


def _counted(stages: int) -> str:
    return f"{stages} {'stage' if stages == 1 else 'stages'}"


def sized(count: float) -> str:
    """`3.2 GB`"""
    for unit in UNITS[:-1]:
        if count < 1_000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} {UNITS[-1]}"
