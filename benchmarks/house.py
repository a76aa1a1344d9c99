"""The house in numbers: rooms, files, lines and arrows by floor.

    python benchmarks/house.py [CHECKOUT …]

A room is what lies directly in a floor: a folder or a loose file. An arrow A → B is an import from a file of A by a
file of B's room. Rooms in a circle reach themselves along arrows; an arrow runs up where it closes one.
"""

import argparse
import ast
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

FLOORS = ("mixes", "classifiers", "pipeline", "flows")
COLUMNS = (
    "loose files",
    "folders",
    "files",
    "median lines",
    "longest file",
    "longest function",
    "arrows",
    "in circles",
)


def modules(floor: Path) -> dict[str, ast.Module]:
    """Dotted name → syntax tree of every file that is not empty."""
    files = sorted(path for path in floor.rglob("*.py") if path.stat().st_size)
    return {
        ".".join(path.relative_to(floor.parent).with_suffix("").parts): ast.parse(path.read_text()) for path in files
    }


def imports(tree: ast.Module) -> set[str]:
    """Dotted names that a file may import."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(name: str) -> str:
    """Floor and the first part below it."""
    return ".".join(name.split(".")[:2])


def row(floor: Path) -> list[str]:
    """One floor's numbers, in the order of COLUMNS."""
    trees = modules(floor)
    lines = {name: len(path.read_text().splitlines()) for name, path in _paths(floor, trees).items()}
    functions = [
        node.end_lineno - node.lineno + 1  # type: ignore[operator]
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    arrows = {
        (room(name), room(other))
        for name, tree in trees.items()
        for other in imports(tree) & trees.keys()
        if room(name) != room(other)
    }
    loose = [name for name in trees if name.count(".") == 1]
    folders = {room(name) for name in trees if name.count(".") > 1}
    circles = {end for end in arrows if end[0] in _reached(end[1], arrows)}
    return [
        str(count)
        for count in (
            len(loose), len(folders), len(trees), median(lines.values()), max(lines.values()), max(functions),
            len(arrows), len(circles),
        )
    ]  # fmt: skip


def _paths(floor: Path, trees: dict[str, ast.Module]) -> dict[str, Path]:
    return {name: floor.parent / (name.replace(".", "/") + ".py") for name in trees}


def _reached(start: str, arrows: set[tuple[str, str]]) -> set[str]:
    reached, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        following = {end for begin, end in arrows if begin == here} - reached
        reached |= following
        ahead += following
    return reached


def main() -> None:
    """Print a table per checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[Path(__file__).parent.parent])
    for checkout in parser.parse_args().checkouts:
        table = Table("floor", *COLUMNS, title=checkout.name)
        for floor in FLOORS:
            table.add_row(floor, *row(checkout / floor))
        Console(width=140).print(table)


if __name__ == "__main__":
    main()
