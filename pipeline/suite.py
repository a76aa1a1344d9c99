"""The eval suite: JSON lines of task, family, item, context, continuation; a seeded share of it, tokenised."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from tokenizers import Tokenizer

from mixes.proxy.items import Item
from pipeline.errors import PipelineError
from pipeline.read.refused import Refused
from pipeline.read.unpack import DAMAGE
from pipeline.sample.defaults import DefaultFile, located
from pipeline.store.documents import write_parquet
from pipeline.store.stage import Stage, StageStore
from pipeline.store.writing import write_aside
from pipeline.suite_settings import SuiteSettings

FIELDS = ("task", "family", "context", "continuation")
NAMES = ("task", "family")
FAMILIES = "families.json"
NAMED = 3  # tasks that a line about cut items names
HALF = re.compile("[\ud800-\udfff]")  # of a character: JSON can spell it, UTF-8 cannot


def check_suite(stages: StageStore, file: Path | DefaultFile) -> dict[str, str]:
    """Task → family of a suite file, read whole, once for its content: what is wrong shows before anything that takes
    long.

    Raises:
        PipelineError: see `read_suite`.
    """
    stage = Stage("checked", 2, None, (stages.hash_files([file]),))

    def work(folder: Path) -> None:
        families = {row["task"]: row["family"] for row in read_suite(located(file, stages.note))}
        write_aside(folder / FAMILIES, json.dumps(families, sort_keys=True).encode())

    content: dict[str, str] = json.loads((stages.run(stage, work) / FAMILIES).read_bytes())
    return content


def read_suite(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a suite file.

    Raises:
        PipelineError: the file cannot be read, a field is missing or no text, a continuation is empty, a task is in
            two families, or two items of a task have one name.
    """
    families: dict[str, str] = {}
    names: dict[str, set[str]] = {}
    for number, line in _numbered(path):
        row = _row(line, number, f"suite {path} line {number}")
        task = row["task"]
        if families.setdefault(task, row["family"]) != row["family"]:
            raise PipelineError(
                f"suite {path} line {number}: task {task!r} is in families {families[task]!r} and "
                f"{row['family']!r} — give it one"
            )
        if row["item"] in names.setdefault(task, set()):
            raise PipelineError(
                f"suite {path} line {number}: task {task!r} has an item {row['item']!r} already — number its items anew"
            )
        names[task].add(row["item"])
        yield row
    if not families:
        raise PipelineError(f"suite {path}: holds no item — give one object a line with {', '.join(FIELDS)}")


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, counted from 1."""
    from pipeline.read.lines import lines  # with Parquet and datatrove, which a finished suite needs nothing of

    try:
        for number, line in enumerate(lines(path), start=1):
            if line.strip():
                yield number, line
    except (Refused, OSError, *DAMAGE) as error:
        raise PipelineError(f"suite {path}: cannot be read to its end ({error}) — give it whole") from None


def _row(line: bytes, number: int, where: str) -> dict[str, str]:
    """The fields of a line; an item without a name is called by its line's number."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise PipelineError(f"{where}: not JSON — one object a line is needed") from None
    for field in FIELDS:
        if not isinstance(row, dict) or not _is_text(row.get(field)) or (field in NAMES and not row[field].strip()):
            raise PipelineError(f"{where}: {field!r} is missing or not a text — give {', '.join(FIELDS)}")
    if not row["continuation"].strip():
        raise PipelineError(f"{where}: the continuation of task {row['task']!r} is empty — give the gold answer")
    item = row.get("item", number)
    if not isinstance(item, int) and not _is_text(item):
        raise PipelineError(f"{where}: 'item' is neither a text nor a number — give a name, or leave it out")
    return {**{field: row[field] for field in FIELDS}, "item": str(item)}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and (value.isascii() or not HALF.search(value))


def encode_suite(
    path: Path, settings: SuiteSettings, tokenizer: Tokenizer, end: int, context: int, folder: Path
) -> None:
    """Write `items.parquet`: per task the items with the smallest hashes whose answers fit the context.

    Contexts are cut from the left, answers never; items whose answer does not fit, or has no token, are counted in
    `left_out.json`. See `suite_counts`.
    """
    by_task: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for row in read_suite(path):
        drawn = hashlib.sha256(f"{row['task']}/{row['item']}/{row['continuation']}".encode()).hexdigest()
        by_task.setdefault(row["task"], []).append((drawn, row))
    rows, left_out = [], Counter[str]()
    for task, drawn_rows in sorted(by_task.items()):
        taken = 0
        for _, row in sorted(drawn_rows, key=lambda pair: pair[0]):
            answer = tokenizer.encode(row["continuation"], add_special_tokens=False).ids
            if not 0 < len(answer) < context:
                left_out[task] += 1
                continue
            tokens = [end, *tokenizer.encode(row["context"], add_special_tokens=False).ids, *answer][-context - 1 :]
            size = len(row["continuation"].encode())
            rows.append((task, row["family"], row["item"], tokens, len(answer), size))
            taken += 1
            if taken == settings.items:
                break
        if not taken:
            raise PipelineError(
                f"suite {path}: no answer of task {task!r} fits a context of {context} tokens — raise proxy.context, "
                "or take the task out"
            )
    numbers = {"tokens": pl.List(pl.UInt32), "scored": pl.Int64(), "bytes": pl.Int64()}
    schema = pl.Schema({**dict.fromkeys(("task", "family", "item"), pl.String()), **numbers})
    write_parquet(pl.DataFrame(rows, schema=schema, orient="row"), folder / "items.parquet")
    (folder / "left_out.json").write_text(json.dumps(left_out))


def read_items(folder: Path) -> list[Item]:
    """What `encode_suite` wrote, as the evaluator takes it."""
    table = pl.read_parquet(folder / "items.parquet")
    return [
        Item(row["task"], row["item"], tuple(row["tokens"]), row["scored"], row["bytes"])
        for row in table.iter_rows(named=True)
    ]


def suite_counts(folder: Path, end: int, context: int) -> pl.DataFrame:
    """What became of each task's items, a row a task: the catalog's table `suite`.

    Counted from the items themselves, so of suites that were encoded earlier too: an item that was cut fills the window
    and does not begin with `end`, as all others do. That mark is the first to go, so an item may have lost no more.
    """
    left_out = json.loads((folder / "left_out.json").read_bytes())
    fills, begins = pl.col("tokens").list.len() == context + 1, pl.col("tokens").list.first() == end
    counted = pl.read_parquet(folder / "items.parquet").group_by("task", "family")
    counts = counted.agg(
        items=pl.len().cast(pl.Int64),
        cut=(fills & ~begins).sum().cast(pl.Int64),
        answer_tokens=pl.col("scored").mean(),
        answer_bytes=pl.col("bytes").mean(),
    ).sort("task")
    return counts.with_columns(pl.Series("left_out", [left_out.get(task, 0) for task in counts["task"]], pl.Int64))


def describe_counts(counts: pl.DataFrame, context: int) -> str | None:
    """One line on what did not fit the context; None where all did."""
    cut, left_out, items = (int(counts[name].sum()) for name in ("cut", "left_out", "items"))
    if not cut + left_out:
        return None
    worst = counts.sort(pl.col("cut") + pl.col("left_out"), descending=True, maintain_order=True)
    tasks = worst.filter(pl.col("cut") + pl.col("left_out") > 0)["task"]
    named = ", ".join(tasks[:NAMED]) + (" …" if len(tasks) > NAMED else "")
    return (
        f"{cut} of {items} items have contexts cut to {context} tokens; left out, since the answer alone does not "
        f"fit: {left_out} ({named})"
    )


def suite_families(folder: Path) -> dict[str, str]:
    """Task → family."""
    table = pl.read_parquet(folder / "items.parquet", columns=["task", "family"]).unique()
    return dict(sorted(table.iter_rows()))
