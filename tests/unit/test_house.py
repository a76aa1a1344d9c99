"""Imports go downward only: flows → pipeline → classifiers, mixes; and inside a floor folders form no circle."""

import ast
from functools import cache

import pytest
from support import ROOT

FLOORS = {
    "classifiers": {"classifiers"},
    "mixes": {"mixes"},
    "pipeline": {"pipeline", "classifiers", "mixes"},
    "flows": {"flows", "pipeline", "classifiers", "mixes"},
}
ONLY = {"torch": "mixes.proxy", "datatrove": "pipeline", "prefect": "flows", "duckdb": "flows"}
LAZY = {("pipeline.train.swarm", "torch")}  # one import inside the function that trains, for its version's record
NETWORK = {"aiohttp", "fsspec", "ftplib", "http", "httpx", "requests", "socket", "ssl", "urllib"}
READING = {"fromfile", "glob", "iterdir", "memmap", "read_bytes", "read_csv", "read_parquet", "read_text", "rglob"}
WRITING = {"mkdir", "rmtree", "tofile", "touch", "unlink", "write_bytes", "write_csv", "write_parquet", "write_text"}
FILES = {"open", "scan_csv", "scan_parquet"} | READING | WRITING
LONG = {"pipeline/train/cohort.py"}  # more than 300 lines


@cache
def modules() -> dict[str, ast.Module]:
    files = [file for floor in FLOORS for file in sorted((ROOT / floor).rglob("*.py"))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text()) for file in files}


@cache
def imported(name: str) -> frozenset[str]:
    """Modules, by their full names: `from a.b import c` is a.b.c where that is a module of ours."""
    found = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & modules().keys() or {node.module}
    return frozenset(found)


def arrows(package: str) -> dict[str, set[str]]:
    """What lies directly in a package, files and folders → what each imports of the others."""
    inside = {name.removeprefix(f"{package}."): name for name in modules() if name.startswith(f"{package}.")}
    found: dict[str, set[str]] = {}
    for short, name in inside.items():
        child = short.partition(".")[0]
        others = {other.removeprefix(f"{package}.").partition(".")[0] for other in imported(name) & {*inside.values()}}
        found.setdefault(child, set()).update(others - {child})
    found.pop("__init__", None)  # a package's own file may name all that lies in it
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, or nothing."""
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in finished:
            for other in sorted(graph[name]):
                if way := visit(other, [*path, name]):
                    return way
            finished.add(name)
        return []

    return next((way for name in graph if (way := visit(name, []))), [])


PACKAGES = sorted({name.rpartition(".")[0] for name in modules()})


def test_floors():
    for name in modules():
        for other in imported(name):
            floor = other.partition(".")[0]
            if floor in FLOORS:
                assert floor in FLOORS[name.partition(".")[0]], (
                    f"{name} imports {other}, which is above it or beside it"
                )


def test_each_dependency_has_its_floor():
    for name in modules():
        for other in imported(name):
            package = other.partition(".")[0]
            if package in ONLY and (name, package) not in LAZY:
                assert name.startswith(ONLY[package]), f"{name} imports {other}, only {ONLY[package]} may"
            assert package != "cvxpy", f"{name} imports cvxpy, which is the tests' oracle"


def test_no_circles_between_files():
    graph = {name: set(imported(name) & modules().keys()) for name in modules()}
    assert not circle(graph), f"circle: {' → '.join(circle(graph))}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circles_between_what_lies_in_a_folder(package):
    way = circle(arrows(package))
    assert not way, f"circle in {package}: {' → '.join(way)}"


def test_mixes_open_files_in_two_places_and_no_connection():
    for name, tree in modules().items():
        if not name.startswith("mixes."):
            continue
        reached = {other.partition(".")[0] for other in imported(name)} & NETWORK
        assert not reached, f"{name} imports {reached}: mixes touch no network"
        if not name.startswith(("mixes.tables.", "mixes.proxy.")):
            calls = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
            called = {getattr(call, "attr", getattr(call, "id", "")) for call in calls}
            assert not called & FILES, f"{name} calls {called & FILES}: only mixes/tables and mixes/proxy open files"


def test_no_catch_all_files():
    forbidden = {"utils", "core", "common", "helpers", "manager", "aliases"}
    assert not [name for name in modules() if name.rpartition(".")[2] in forbidden]


def test_files_can_be_read_in_one_go():
    long = {
        str(file.relative_to(ROOT))
        for floor in FLOORS
        for file in (ROOT / floor).rglob("*.py")
        if len(file.read_text().splitlines()) > 300
    }
    assert long <= LONG
