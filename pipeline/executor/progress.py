"""How far the ranks of a stage are, as their marks of completion tell it."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

LOOKS_EVERY = 0.5  # seconds between looks at the marks …
SHARE = 0.02  # … and of the time at most that looking may take: listing 100,000 marks takes 50 ms and more (measured)

Progress = Callable[[int, int], None]  # (ranks finished, ranks in all)


class watched:
    """Reports finished ranks while the executor, which has no hook for it, runs."""

    def __init__(self, completions: Path, ranks: int, progress: Progress | None) -> None:
        self.completions, self.ranks, self.progress = completions, ranks, progress
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _report(self) -> float:
        """Report; returns the seconds that looking took."""
        started = time.monotonic()
        if not self.progress:
            return 0.0
        done = _count(self.completions)
        took = time.monotonic() - started
        self.progress(done, self.ranks)
        return took

    def _watch(self) -> None:
        pause = LOOKS_EVERY
        while not self.stop.wait(pause):
            pause = max(LOOKS_EVERY, self._report() / SHARE)

    def __enter__(self) -> None:
        self._report()
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._report()


def _count(folder: Path) -> int:
    """Entries of a folder; none where it is not there yet."""
    try:
        with os.scandir(folder) as entries:
            return sum(1 for _ in entries)
    except FileNotFoundError:
        return 0
