"""Imports go downward only: flows → pipeline → classifiers, mixes."""

import ast

from support import ROOT

FLOORS = {
    "classifiers": {"classifiers"},
    "mixes": {"mixes"},
    "pipeline": {"pipeline", "classifiers", "mixes"},
    "flows": {"flows", "pipeline", "classifiers", "mixes"},
}
ONLY = {"torch": "mixes.proxy", "datatrove": "pipeline", "prefect": "flows", "duckdb": "flows"}
LAZY = {("pipeline.train.swarm", "torch")}  # one import inside the function that trains, for its version's record


def modules() -> list[tuple[str, ast.Module]]:
    files = [file for floor in FLOORS for file in sorted((ROOT / floor).rglob("*.py"))]
    return [(".".join(file.relative_to(ROOT).with_suffix("").parts), ast.parse(file.read_text())) for file in files]


def imported(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def test_floors():
    for name, tree in modules():
        for other in imported(tree):
            floor = other.partition(".")[0]
            if floor in FLOORS:
                assert floor in FLOORS[name.partition(".")[0]], (
                    f"{name} imports {other}, which is above it or beside it"
                )


def test_each_dependency_has_its_floor():
    for name, tree in modules():
        for other in imported(tree):
            package = other.partition(".")[0]
            if package in ONLY and (name, package) not in LAZY:
                assert name.startswith(ONLY[package]), f"{name} imports {other}, only {ONLY[package]} may"


def test_no_circles():
    graph = {name: imported(tree) for name, tree in modules()}
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' → '.join((*path, name))}"
        if name not in finished:
            for other in sorted(graph[name] & graph.keys()):
                visit(other, (*path, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


def test_no_catch_all_files():
    forbidden = {"utils", "core", "common", "helpers", "manager", "aliases"}
    assert not [name for name, _ in modules() if name.rpartition(".")[2] in forbidden]
