"""Files that other machines wrote, seen here: a network file system may show a folder as it was up to a minute ago."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import PipelineError

LAG = 90.0  # seconds that a listing may be behind (NFS's default, acdirmax, is 60)
ASKED = 1.0  # seconds between looks


def wait_until_listed(files: Iterable[Path]) -> None:
    """Wait until the listings of their folders show all files, which finished ranks have written.

    Whoever lists such a folder next would take the files that it shows for all there are.

    Raises:
        PipelineError: one is still not shown after LAG seconds.
    """
    wanted: dict[Path, set[str]] = {}
    for file in files:
        wanted.setdefault(file.parent, set()).add(file.name)
    deadline = time.monotonic() + LAG
    for folder, names in wanted.items():
        while missing := names - _shown(folder):
            if time.monotonic() > deadline:
                raise PipelineError(
                    f"{folder / min(missing)}: {len(missing)} of {len(names)} files that finished ranks wrote are not "
                    f"shown by the file system after {LAG:.0f} seconds — check that all machines see one folder there, "
                    "then give the same command again"
                )
            time.sleep(ASKED)


def _shown(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:  # the folder itself is new
        return set()
