"""Mistakes that a user can mend, from every floor."""

import errno
import re
from collections.abc import Collection, Iterator

from classifiers.errors import ClassifierError
from mixes.errors import MixError, cut_short
from mixes.show.secrets import masked
from pipeline.errors import PipelineError, RanksFailed


class ExperimentError(ValueError):
    """Bad input, in one line: what, where, the value, the fix."""

    def __init__(self, line: str) -> None:
        super().__init__(masked(line))


def named_as_options(message: str, options: Collection[str]) -> str:
    """A message whose fields in backticks are named as the command line has them: `max_epochs` as --max-epochs.

    options: those of the command, with their dashes; other fields keep their names.
    """

    def option(field: re.Match) -> str:
        name = "--" + field[1].replace("_", "-")
        return name if name in options else field[1]

    return re.sub(r"`(\w+)`", option, message)


INPUT_ERRORS = (ExperimentError, PipelineError, MixError, ClassifierError)

WRONG_PATHS = {  # a mistake in what was named, and none of the machine
    errno.ENAMETOOLONG: "no file can have a name that long",
    errno.ELOOP: "the link leads to itself",
    errno.ENOTDIR: "a file is named as if it were a folder",
    errno.EISDIR: "it is a folder, and a file is needed",
}
MACHINE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EMFILE: "too many files are open",
    errno.ENOENT: "a file or folder that was there is gone",
}
PATH = re.compile(r"[\"'(](/[^\"')]+)")  # in a library's words
BY_WORDS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "Too many open files": errno.EMFILE,
    "No such file or directory": errno.ENOENT,
    "expanded paths were empty": errno.ENOENT,  # polars
    "No files found that match": errno.ENOENT,  # DuckDB
}


def machine_failure(error: BaseException) -> str | None:
    """What of the machine failed, in one line: its disk, its rights, its memory. None where it is something else."""
    for cause in _causes(error):
        if isinstance(cause, MemoryError):
            return "the memory is full — fewer executor.workers need less; the same command goes on where it was"
        number = cause.errno if isinstance(cause, OSError) else None
        number = number or next((code for words, code in BY_WORDS.items() if words in str(cause)), None)
        if number is None:
            continue
        what = MACHINE.get(number, getattr(cause, "strerror", None) or str(cause))
        place = getattr(cause, "filename", None) or PATH.search(str(cause))
        place = place[1] if isinstance(place, re.Match) else place
        return f"{what}{f': {place}' if place else ''} — once that is mended, the same command goes on where it was"
    return None


def failed_ranks(error: BaseException) -> tuple[str, int] | None:
    """The line for ranks that failed, and the exit code: 2 where the input is wrong. None for any other error."""
    if not isinstance(error, RanksFailed):
        return None
    failure = None if error.is_mistake else machine_failure(error)
    return (f"{error.where}: {failure}" if failure else str(error)), 2 if error.is_mistake else 1


EXTRAS = {"torch": "train", "ray": "ray", "trafilatura": "trafilatura", "lightgbm": "lightgbm", "marimo": "notebook"}


def missing_package(error: BaseException) -> str | None:
    """Which extra of this package has to be installed, in one line; None where nothing is missing."""
    for cause in _causes(error):
        package = (cause.name or "").partition(".")[0] if isinstance(cause, ModuleNotFoundError) else ""
        if package in EXTRAS:
            return f"this needs {package}, which is not installed — run: pip install 'mixwright[{EXTRAS[package]}]'"
    return None


def path_mistake(error: BaseException) -> str | None:
    """What is wrong with a path that the user named, in one line; None where it is something else."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in WRONG_PATHS:
            place = cut_short(str(cause.filename)) if cause.filename else "a path"
            return f"{place}: {WRONG_PATHS[cause.errno]} — name another"
        if isinstance(cause, ValueError) and "embedded null" in str(cause):
            return "a path holds a NUL character, which no name can — take it out"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was raised from."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
