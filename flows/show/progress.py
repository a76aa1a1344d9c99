"""A bar a stage in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY = 15  # seconds between plain lines


def note(text: str, name: str = "note") -> None:
    """One line to standard error, in the columns of the stages' lines."""
    print(f"{name:<12} {text}", file=sys.stderr, flush=True)


@contextmanager
def stage_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields `report(done, total)`; says when the stage ends, and how long it took."""
    console = Console(stderr=True)
    started = time.monotonic()
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(name, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
            shown = bar.tasks[0]
            bar.update(task, completed=shown.total or 1, total=shown.total or 1)
        return
    last = [started]

    def report(done: int, total: int) -> None:
        if time.monotonic() - last[0] >= EVERY and done < total:
            last[0] = time.monotonic()
            elapsed = last[0] - started
            left = f", about {elapsed / done * (total - done):.0f} s left" if done else ""
            print(f"{name:<12} {done:>4} of {total}  {elapsed:6.0f} s{left}", file=sys.stderr, flush=True)

    yield report
    print(f"{name:<12} done         {time.monotonic() - started:6.1f} s", file=sys.stderr, flush=True)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )
