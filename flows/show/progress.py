"""One bar per stage in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixes.show.printable import bounded
from mixes.show.secrets import masked

if TYPE_CHECKING:  # imported only where a bar is drawn
    from rich.progress import Progress

EVERY = 15  # seconds between plain lines


listeners: list[Callable[[str], None]] = []  # what hears every line besides the terminal: a server's log


def note(name: str, line: str) -> None:
    """Print a line about a stage to standard error."""
    text = f"{name:<12} {bounded(masked(line))}"
    print(text, file=sys.stderr, flush=True)
    for listener in listeners:
        listener(text)


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
    steps: list[tuple[int, float]] = []  # how much was done, and when it was first reported

    def report(done: int, total: int) -> None:
        now = time.monotonic()
        if not steps or steps[-1][0] != done:
            steps.append((done, now))
        if now - last[0] >= EVERY and done < total:
            last[0] = now
            note(name, f"{done:>4} of {total}  {now - started:6.0f} s{_left(steps, total, now)}")

    yield report
    note(name, f"done         {time.monotonic() - started:6.1f} s")


def progress_words(done: int, total: int, since: int, seconds: float) -> str:
    """`12 of 40 ranks, 3.1 a minute, about 9 min left`; since: how many were done in these seconds."""
    words = f"{done} of {total} ranks"
    if since > 0 and seconds > 0 and done < total:
        left = (total - done) * seconds / since
        words += f", {60 * since / seconds:.3g} a minute, about {_duration(left)} left"
    return words


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"


def _left(steps: Sequence[tuple[int, float]], total: int, now: float) -> str:
    """The seconds that are left, by what was done since the start: what an earlier run had done says nothing."""
    (first, began), (done, when) = steps[0], steps[-1]
    if done == first:
        return ""
    return f", about {max(0.0, (when - began) / (done - first) * (total - done) - (now - when)):.0f} s left"


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
