"""Why a rank failed, as the rank itself or whoever watched it die writes it down: `failed/<rank>.json` beside the logs.

The record is the same on every executor. The command that waits for the ranks reads it, and so does `mixwright status`.
"""

import errno
import importlib
import json
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.errors import ClassifierError
from mixes.errors import MixError
from mixes.show.secrets import masked_all
from pipeline.errors import PipelineError
from pipeline.executor.masked_log import mask_log
from pipeline.executor.quick_loguru import remember_lib_dirs
from pipeline.executor.work import PartOf, rank_log
from pipeline.store.files import rank_name
from pipeline.store.writing import write_aside

FOLDER = "failed"
MISTAKES = (PipelineError, MixError, ClassifierError)
# Errors that can pass, by the names of their classes: libraries for remote files have their own of each.
PASSING = {
    "ConnectionError", "TimeoutError", "Timeout", "ClientConnectionError", "ClientPayloadError", "IncompleteRead",
    "ProtocolError", "EndpointConnectionError", "MemoryError",
}  # fmt: skip
PASSING_NUMBERS = {errno.EIO, errno.ESTALE, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EAGAIN}  # of a shared disk
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
LONGEST = 300  # characters of a line
TRACEBACK = 20_000  # characters of a traceback that are kept
LINES = 3  # that are quoted
TAIL = 4_096  # bytes of a log that are looked at


@dataclass(frozen=True)
class Failure:
    """A rank that failed."""

    rank: int
    part: str  # what it works on, as its shard; empty where that has no name
    reason: str
    passes: bool  # whether another try may succeed
    log: str  # relative to the folder of logs
    lines: tuple[str, ...] = ()  # the last ones that it wrote, or where in the code it failed
    error: str = ""  # class of the exception, where the rank raised one
    arguments: tuple[Any, ...] = ()
    traceback: str = ""

    @property
    def name(self) -> str:
        """`rank 3 (web/00003.warc.gz)`."""
        return f"rank {self.rank}" + (f" ({self.part})" if self.part else "")

    @property
    def is_mistake(self) -> bool:
        """Whether the rank says what is wrong with the input or the settings, in its own words."""
        return isinstance(self.exception(), MISTAKES)

    @property
    def is_of_all(self) -> bool:
        """Whether every other rank will fail for it too: there is no room to write."""
        cause = self.exception()
        return isinstance(cause, OSError) and cause.errno in FULL

    def exception(self) -> BaseException | None:
        """The exception again, where it is a mistake, the machine's failure, or a full memory."""
        module, _, name = self.error.rpartition(".")
        if module not in ("builtins", "mixes.errors") and not module.startswith(("pipeline.", "classifiers.")):
            return None
        kind = getattr(importlib.import_module(module), name, None)
        if not isinstance(kind, type) or not issubclass(kind, (*MISTAKES, OSError, MemoryError)):
            return None
        with suppress(TypeError):
            return kind(*self.arguments)
        return None

    def sentence(self, logs: Path) -> str:
        """`rank 3 (web/x) failed: why [last lines] (log: …)`."""
        quoted = f" [{' | '.join(self.lines)}]" if self.lines and not self.is_mistake else ""
        return f"{self.name} failed: {self.reason}{quoted} (log: {logs / self.log})"


def attempt(run: Callable[[], object], logs: Path, rank: int, part_of: PartOf) -> Failure | None:
    """Run a rank. An exception is recorded and returned, so that other ranks of its process go on."""
    remember_lib_dirs()
    mask_log()
    try:
        run()
    except Exception as error:
        failure = of_exception(error, logs, rank, part_of)
        record_failure(failure, logs)
        return failure
    return None


def of_exception(error: Exception, logs: Path, rank: int, part_of: PartOf) -> Failure:
    """The failure of a rank that raised an exception."""
    is_mistake = isinstance(error, MISTAKES)
    text = one_line(str(error))
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    return Failure(
        rank=rank,
        part=part_name(part_of, rank),
        reason=text if is_mistake and text else f"{type(error).__name__}: {text}",
        passes=not is_mistake and _can_pass(error),
        log=str(rank_log(logs, rank).relative_to(logs)),
        lines=tuple(one_line(f"{Path(at.filename).name}:{at.lineno} in {at.name}: {at.line}") for at in frames),
        error=f"{type(error).__module__}.{type(error).__name__}",
        arguments=_arguments(error),
        traceback="".join(traceback.format_exception(error))[-TRACEBACK:],
    )


def of_death(reason: str, passes: bool, log: Path, logs: Path, rank: int, part_of: PartOf) -> Failure:
    """The failure of a rank that ended without an exception, as one that was killed; it is recorded."""
    lines = tuple(last_lines(log)[-LINES:])
    shown = [line for line in lines if line != reason]
    failure = Failure(
        rank, part_name(part_of, rank), one_line(reason), passes, str(log.relative_to(logs)), tuple(shown)
    )
    record_failure(failure, logs)
    return failure


def record_failure(failure: Failure, logs: Path) -> None:
    """Write it down, unless there is no room."""
    with suppress(OSError):
        content = json.dumps(masked_all(asdict(failure)), indent=1, default=str)
        write_aside(logs / FOLDER / f"{rank_name(failure.rank)}.json", content.encode())


def read_failure(logs: Path, rank: int) -> Failure | None:
    """What is recorded of a rank; None where that is nothing, or damaged."""
    try:
        content = json.loads((logs / FOLDER / f"{rank_name(rank)}.json").read_bytes())
        return Failure(**{**content, "lines": tuple(content["lines"]), "arguments": tuple(content["arguments"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def read_failures(logs: Path) -> list[Failure]:
    """All that are recorded, by rank."""
    ranks = sorted(int(file.stem) for file in (logs / FOLDER).glob("*.json") if file.stem.isdigit())
    return [failure for rank in ranks if (failure := read_failure(logs, rank))]


def forget(logs: Path, ranks: Iterable[int]) -> None:
    """Take away what earlier tries of ranks left: their failures and their logs."""
    for rank in ranks:
        (logs / FOLDER / f"{rank_name(rank)}.json").unlink(missing_ok=True)
        rank_log(logs, rank).unlink(missing_ok=True)
    with suppress(OSError):
        (logs / FOLDER).rmdir()  # where it is empty


def part_name(part_of: PartOf, rank: int) -> str:
    """What a rank works on; nothing where that cannot be looked up now."""
    try:
        return one_line(part_of(rank))
    except Exception:  # a failure is reported, whatever else fails
        return ""


def last_lines(log: Path) -> list[str]:
    """The last lines of a log, oldest first; none where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [one_line(line) for line in text.splitlines() if line.strip()]


def one_line(text: str) -> str:
    """Bounded, and without line ends."""
    return " ".join(text[: 4 * LONGEST].split())[:LONGEST]


def _can_pass(error: BaseException) -> bool:
    causes = {error, error.__cause__, error.__context__} - {None}
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    numbers = {getattr(cause, "errno", None) for cause in causes}
    return bool(names & PASSING or numbers & PASSING_NUMBERS)


def _arguments(error: Exception) -> tuple[Any, ...]:
    """What makes the exception again; those of `__reduce__`, since a class may be made from others than its text."""
    made = error.__reduce__()
    arguments = made[1] if isinstance(made, tuple) and len(made) > 1 else error.args
    return tuple(value if isinstance(value, (int, float, str, type(None))) else str(value) for value in arguments)
