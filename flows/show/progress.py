"""One bar per stage in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.show.printable import bounded

if TYPE_CHECKING:  # imported only where a bar is drawn
    from rich.progress import Progress

EVERY = 15  # seconds between plain lines


def note(name: str, line: str) -> None:
    """Print a line about a stage to standard error."""
    print(f"{name:<12} {bounded(line)}", file=sys.stderr, flush=True)


@contextmanager
def stage_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields `report(done, total)`; prints when the stage ends, and how long it took."""
    started = time.monotonic()
    if sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(name, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
            shown = bar.tasks[0]
            bar.update(task, completed=shown.total or 1, total=shown.total or 1)
        return
    last = [started]
    first: list[int] = []  # what was done before, by an earlier try

    def report(done: int, total: int) -> None:
        if not first:
            first.append(done)
        if time.monotonic() - last[0] >= EVERY and done < total:
            last[0] = time.monotonic()
            elapsed, own = last[0] - started, done - first[0]
            left = f", about {elapsed / own * (total - done):.0f} s left" if own else ""
            note(name, f"{done:>4} of {total}  {elapsed:6.0f} s{left}")

    yield report
    note(name, f"done         {time.monotonic() - started:6.1f} s")


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
