"""Where a trainer finds what the user names: a swarm from files has no pool."""

import os
from pathlib import Path

from flows.errors import ExperimentError
from pipeline.store.globs import MAGIC, matching_files


def files_of(pattern: str) -> list[str]:
    """The files that a path or pattern means; a path without a pattern, or a URL, means itself.

    Raises:
        ExperimentError: it is a pattern that no file here matches.
    """
    if "://" in pattern or not MAGIC.search(pattern):
        return [pattern]
    root = "/" if os.path.isabs(pattern) else "."
    files = [os.path.join(root, path) for path in matching_files(root, pattern)]
    if not files:
        raise ExperimentError(f"paths {pattern!r}: matches no file here, and this format needs the files' own names")
    return [file.removeprefix("./") for file in files]


def folder_of(pattern: str) -> str:
    """The folder that a path or pattern means: without what follows the first `*`, and without a file's name."""
    fixed = MAGIC.split(pattern, maxsplit=1)[0]
    if fixed != pattern:
        return fixed.rpartition("/")[0] or "."
    return str(Path(pattern).parent) if Path(pattern).suffix else pattern
