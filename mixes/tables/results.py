"""Reads evaluation results as metrics: lm-eval's results JSON and OLMES' metrics files, one file or folder per run.

lm-eval writes `results_<time>.json`: results → task → "metric,filter" → value, with higher_is_better beside it.
OLMES writes `metrics.json` (a list of tasks, each with its metrics) and `metrics-all.jsonl` (the same, one task
per line). `primary_score` is read, and task_config.primary_metric is its name. Rows that sum up others (lm-eval's
groups, OLMES' macro and micro averages) are left out, since families do that here.

result_names.py finds the run that a file belongs to.
"""

import glob
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from mixes.errors import MixError
from mixes.tables.keys import Table, listed
from mixes.tables.metrics import UNITS, Direction, Stated, unit_of_name
from mixes.tables.plain_file import check_plain
from mixes.tables.result_names import is_glob, names_of_file, runs_of_files

# Metrics of lm-eval, the smoothest first. If a task has several, the first of this list is read.
PREFERRED = (
    "bits_per_byte",
    "byte_perplexity",
    "word_perplexity",
    "perplexity",
    "acc_norm",
    "acc",
    "exact_match",
    "f1",
)
SUMMARIES = ("macro", "micro")
MOST_FILES = 300_000  # below a folder of results (assumed: 10,000 runs of 30 files)
MOST_BYTES = 1 << 28  # of one file; a suite's results are kilobytes, samples are not read

Scores = dict[str, tuple[float, str, Direction | None]]  # task → score, metric, direction if the file states it


@dataclass(frozen=True)
class Results:
    """Result files as a table of metrics, one row per run."""

    table: Table
    declared: Mapping[str, Stated]  # metric → unit and direction, where the files state them
    notes: tuple[str, ...]


def is_results(place: str) -> bool:
    """Whether `metrics` names result files and not a table: a folder, a glob, or a JSON file."""
    return Path(place).is_dir() or Path(place).suffix in (".json", ".jsonl") or is_glob(place)


def read_results(place: str, ratios: Table) -> Results:
    """The result files of a folder or glob, for the runs of `ratios`.

    Raises:
        MixError: a file cannot be read, belongs to no run or to two, or differs from the others in its
            tasks or metrics.
    """
    scores_of: dict[Path, Scores] = {}
    names_of: dict[Path, list[str]] = {}
    ignored = []
    for path in _files(place):
        content = _content(path)
        scores = _scores(path, content)
        if scores:
            scores_of[path], names_of[path] = scores, names_of_file(place, path, content)
        elif is_glob(place):
            raise MixError(f"{path}: holds neither lm-eval's results nor OLMES' metrics")
        else:
            ignored.append(path.name)
    if not scores_of:
        raise MixError(f"`metrics` {place}: it holds no results of lm-eval or OLMES")
    key, runs = runs_of_files(place, names_of, ratios)
    merged = _merge(runs, scores_of)
    tasks = _same_tasks(merged)
    declared = {task: _stated(next(iter(merged.values()))[0][task]) for task in tasks}
    rows = [{key: run, **{task: scores[task][0] for task in tasks}} for run, (scores, _) in merged.items()]
    schema = {key: pl.String, **dict.fromkeys(tasks, pl.Float64)}
    notes = [f"{place}: {len(scores_of)} files of {len(merged)} runs, {len(tasks)} tasks"]
    notes += [f"{place}: {listed(sorted(set(ignored)))} hold no results and are ignored"] if ignored else []
    return Results(Table(place, pl.DataFrame(rows, schema=schema)), declared, tuple(notes))


def _files(place: str) -> list[Path]:
    """Files that may hold results; of several copies that OLMES writes of one result, only one."""
    if not Path(place).is_dir():
        paths = [Path(name) for name in sorted(glob.glob(place, recursive=True))] if is_glob(place) else [Path(place)]
        if not paths:
            raise MixError(f"`metrics` {place}: no file matches")
        return paths
    files = list(_below(place))
    whole = sorted(path for path in files if path.name == "metrics-all.jsonl")
    done = {path.parent for path in whole}
    others = sorted(path for path in files if path.suffix == ".json" and path.parent not in done)
    summed = {path.parent for path in others if path.name == "metrics.json"}
    return whole + [path for path in others if path.name == "metrics.json" or path.parent not in summed]


def _below(place: str) -> Iterator[Path]:
    """Files at any depth of a folder."""
    seen = 0
    for folder, _, names in os.walk(place):
        seen += 1 + len(names)
        if seen > MOST_FILES:
            raise MixError(f"`metrics` {place}: holds more than {MOST_FILES:,} files — name the folder of the results")
        yield from (Path(folder, name) for name in names)


def _content(path: Path) -> Any:
    """The content of a JSON file, or of one whose lines are JSON."""
    try:
        check_plain(path)
        if path.stat().st_size > MOST_BYTES:
            raise MixError(f"{path}: is larger than {MOST_BYTES:,} bytes, so it is no summary of results")
        text = path.read_text(encoding="utf-8-sig")
        return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
    except OSError as error:
        raise MixError(f"{path}: {error.strerror} — give a folder or glob of result files") from None
    except (ValueError, RecursionError):
        raise MixError(f"{path}: is no JSON — mend it or take it away") from None


def _scores(path: Path, content: Any) -> Scores:
    """The scores of one file; empty if it holds no results."""
    try:
        if isinstance(content, dict) and isinstance(content.get("results"), dict):
            scores = dict(_of_lm_eval(path, content))
        else:
            rows = content.get("tasks", content.get("metrics", [content])) if isinstance(content, dict) else content
            scores = dict(_of_olmes(path, rows if isinstance(rows, list) else []))
        "".join(map(str, scores)).encode()  # half a character in a name cannot be written
    except MixError:
        raise
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise MixError(
            f"{path}: is not as lm-eval or OLMES write it ({str(error)[:100]}) — mend it or take it away"
        ) from None
    return scores


def _groups(content: dict[str, Any]) -> set[str]:
    """lm-eval's rows that sum up others, by whatever its version says of them."""
    results = content["results"]
    stated = [content.get(name) for name in ("groups", "group_subtasks")]
    groups = {*(stated[0] or {})} | {group for group, parts in (stated[1] or {}).items() if parts}
    single = content.get("configs") or content.get("n-samples")  # single tasks alone have either
    if isinstance(single, dict) and single:
        groups |= results.keys() - single.keys()
    names = list(results)
    depth = {name: _depth(row) for name, row in results.items()}
    groups |= {name for name, after in pairwise(names) if depth[after] > depth[name]}  # printed as a tree
    return groups


def _depth(row: Any) -> int:
    """How far a row's alias is indented; lm-eval writes ` - ` before a part of a group."""
    alias = row.get("alias") if isinstance(row, dict) else None
    if not isinstance(alias, str):
        return 0
    indented = re.match(r"( *)- ", alias)
    return len(indented[1]) + 1 if indented else 0


def _of_lm_eval(path: Path, content: dict[str, Any]) -> Iterator[tuple[str, tuple[float, str, Direction | None]]]:
    groups = _groups(content)
    for task, row in content["results"].items():
        if task in groups or not isinstance(row, dict):
            continue
        values = {
            name: value
            for name, value in row.items()
            if isinstance(value, int | float) and "_stderr" not in name and name not in ("alias", "sample_len")
        }
        if not values:
            raise MixError(f"{path}: task {task!r} has no score")
        chosen = min(values, key=lambda name: _rank(name.partition(",")[0]))
        metric = chosen.partition(",")[0]
        higher = content.get("higher_is_better", {}).get(task, {})
        higher = higher.get(metric) if isinstance(higher, dict) else higher
        yield task, (float(values[chosen]), chosen, None if higher is None else "higher" if higher else "lower")


def _rank(metric: str) -> int:
    return PREFERRED.index(metric) if metric in PREFERRED else len(PREFERRED)


def _of_olmes(path: Path, rows: list) -> Iterator[tuple[str, tuple[float, str, Direction | None]]]:
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("task_config", {}), dict):
            continue
        settings = row.get("task_config", {})
        name = row.get("alias") or settings.get("metadata", {}).get("alias") or row.get("task_name") or row.get("task")
        score = row.get("metrics", row).get("primary_score") if isinstance(row.get("metrics", row), dict) else None
        metric = settings.get("primary_metric", "primary_score")
        if metric in SUMMARIES or name is None or (score is None and "metrics" not in row):
            continue
        if not isinstance(score, int | float):
            raise MixError(f"{path}: task {name!r} has the primary_score {score!r}")
        yield name, (float(score), metric, None)


def _merge(runs: Mapping[Path, str], scores_of: Mapping[Path, Scores]) -> dict[str, tuple[Scores, Path]]:
    """Run → its scores, from one file or several with different tasks, and the last file."""
    merged: dict[str, tuple[Scores, Path]] = {}
    for path, scores in scores_of.items():
        before, other = merged.get(runs[path], ({}, path))
        twice = sorted(before.keys() & scores.keys())
        if twice:
            raise MixError(
                f"{path}: run {runs[path]!r} has a score on {twice[0]!r} in {other} too — keep one of the two files"
            )
        merged[runs[path]] = ({**before, **scores}, path)
    return merged


def _same_tasks(merged: Mapping[str, tuple[Scores, Path]]) -> list[str]:
    """The tasks that all runs have, measured alike."""
    (first, (whole, _)), *others = merged.items()
    for run, (scores, path) in others:
        odd = sorted(whole.keys() ^ scores.keys())
        if odd:
            has, lacks = (run, first) if odd[0] in scores else (first, run)
            raise MixError(f"{path}: run {lacks!r} has no score on {odd[0]!r}, run {has!r} has")
        other = next((task for task in whole if whole[task][1:] != scores[task][1:]), None)
        if other:
            raise MixError(
                f"{path}: {other!r} is measured by {scores[other][1]!r} in run {run!r} and by "
                f"{whole[other][1]!r} in run {first!r}"
            )
    return sorted(whole)


def _stated(score: tuple[float, str, Direction | None]) -> Stated:
    """Unit and direction of a metric by its name; a metric without a known unit is a unit of its own."""
    metric = score[1].partition(",")[0]
    unit = unit_of_name(metric)
    return Stated(unit or metric, score[2] or UNITS.get(unit or ""))
