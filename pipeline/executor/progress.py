"""How far the ranks of a stage are, as their marks of completion and their failures tell it."""

import threading
from collections.abc import Callable

from pipeline.executor.failure import FOLDER, read_failure
from pipeline.executor.work import Work

Progress = Callable[[int, int], None]  # (ranks finished, ranks in all)
TOLD = 5  # failures that are told one by one while others run (assumed: more say no more)


class watched:
    """Reports finished ranks, and failures as they happen, while the executor, which has no hook for it, runs."""

    def __init__(self, work: Work, progress: Progress | None, note: Callable[[str], None]) -> None:
        self.work, self.progress, self.note = work, progress, note
        self.told: set[str] = set()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _report(self) -> None:
        completions, ranks = self.work.completions, self.work.ranks
        if self.progress:
            done = len(list(completions.iterdir())) if completions.exists() else 0
            self.progress(done, ranks)

    def _tell(self) -> None:
        for file in sorted((self.work.logs / FOLDER).glob("[0-9]*.json")):
            if file.stem not in self.told and (failure := read_failure(self.work.logs, int(file.stem))):
                self.told.add(file.stem)
                others = "; the other ranks go on" if self.work.ranks > 1 else ""
                if len(self.told) <= TOLD:
                    self.note(f"{self.work.stage}: {failure.name} failed: {failure.reason}{others}")

    def _watch(self) -> None:
        while not self.stop.wait(0.5):
            self._report()
            self._tell()

    def __enter__(self) -> None:
        self._report()
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._report()
