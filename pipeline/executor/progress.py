"""How far the ranks of a stage are, as their marks of completion tell it."""

import threading
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[int, int], None]  # (ranks finished, ranks in all)


class watched:
    """Reports finished ranks while the executor, which has no hook for it, runs."""

    def __init__(self, completions: Path, ranks: int, progress: Progress | None) -> None:
        self.completions, self.ranks, self.progress = completions, ranks, progress
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _report(self) -> None:
        if self.progress:
            done = len(list(self.completions.iterdir())) if self.completions.exists() else 0
            self.progress(done, self.ranks)

    def _watch(self) -> None:
        while not self.stop.wait(0.5):
            self._report()

    def __enter__(self) -> None:
        self._report()
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._report()
