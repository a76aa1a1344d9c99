"""How far the ranks of a stage are, as their marks of completion and their failures tell it."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.executor.failure import FOLDER, read_failure
from pipeline.executor.work import Work

LOOKS_EVERY = 0.5  # seconds between looks at the marks …
SHARE = 0.02  # … and of the time at most that looking may take: listing 100,000 marks takes 50 ms and more (measured)

Progress = Callable[[int, int], None]  # (ranks finished, ranks in all)
TOLD = 5  # failures that are told one by one while others run (assumed: more say no more)


class watched:
    """Reports finished ranks, and failures as they happen, while the executor, which has no hook for it, runs."""

    def __init__(self, work: Work, progress: Progress | None, note: Callable[[str], None]) -> None:
        self.work, self.progress, self.note = work, progress, note
        self.told: set[str] = set()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _report(self) -> float:
        """Report; returns the seconds that looking took."""
        started = time.monotonic()
        if not self.progress:
            return 0.0
        done = _count(self.work.completions)
        took = time.monotonic() - started
        self.progress(done, self.work.ranks)
        return took

    def _tell(self) -> None:
        for file in sorted((self.work.logs / FOLDER).glob("[0-9]*.json")):
            if file.stem not in self.told and (failure := read_failure(self.work.logs, int(file.stem))):
                self.told.add(file.stem)
                others = "; the other ranks go on" if self.work.ranks > 1 else ""
                if len(self.told) <= TOLD:
                    self.note(f"{self.work.stage}: {failure.name} failed: {failure.reason}{others}")

    def _watch(self) -> None:
        pause = LOOKS_EVERY
        while not self.stop.wait(pause):
            pause = max(LOOKS_EVERY, self._report() / SHARE)
            self._tell()

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
