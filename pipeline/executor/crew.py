"""Processes of this machine that take rank after rank. One that dies costs the rank that it had, and is replaced.

A pool of the standard library waits for ever for a rank whose process was killed, as the kernel does where memory is
short.
"""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import multiprocess
from multiprocess import resource_tracker
from multiprocess.connection import wait

from pipeline.executor.failure import Failure

LONGEST_WAIT = 0.5  # seconds until a signal is noticed
PATIENCE = 10.0  # seconds in which a process that is told to end must have ended

Attempt = Callable[[int], Failure | None]


def run_over(ranks: Sequence[int], workers: int, attempt: Attempt) -> Iterator[tuple[int, Failure | str | None]]:
    """Run ranks in processes, and yield each with its failure, how its process was killed, or None.

    Whoever stops asking ends all processes. `LOCAL_RANK` of a process is its place among the `workers`.
    """
    todo, places = deque(ranks), list(reversed(range(workers)))
    crew: dict[Any, tuple[BaseProcess, int, int]] = {}  # our end of its pipe → the process, its place, its rank
    ending: list[BaseProcess] = []

    def begin() -> None:
        while todo and places:
            place = places.pop()
            ours, process = _start(place, attempt)
            _give(ours, todo[0])
            crew[ours] = process, place, todo.popleft()

    try:
        begin()
        while crew:
            for ours in wait(list(crew), LONGEST_WAIT):  # short: a wait without end may sleep through Ctrl-C
                process, place, rank = crew[ours]
                result = _result(ours, process)
                if not isinstance(result, str) and todo:
                    crew[ours] = process, place, todo.popleft()
                    _give(ours, crew[ours][2])
                else:
                    del crew[ours]
                    ours.close()  # after which it ends
                    ending.append(process)
                    places.append(place)
                yield rank, result
                begin()
    finally:
        for process, _, _ in crew.values():
            process.terminate()
        _await_end([*ending, *(process for process, _, _ in crew.values())])


def _start(place: int, attempt: Attempt) -> tuple[Any, BaseProcess]:
    context = multiprocess.get_context("forkserver")
    resource_tracker.ensure_running()  # whose first start would let interrupts through again
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, place, attempt), daemon=True)
    with without_interrupts():
        process.start()
    theirs.close()  # else its death would not close the pipe
    return ours, process


def _serve(pipe: Any, place: int, attempt: Attempt) -> None:
    """What such a process does."""
    os.environ["LOCAL_RANK"] = str(place)
    end_with(multiprocess.parent_process())
    with contextlib.suppress(EOFError, OSError):  # nobody asks any more
        while True:
            pipe.send(attempt(pipe.recv()))


def _give(ours: Any, rank: int) -> None:
    with contextlib.suppress(OSError):  # it is dead, as the next look at the pipe shows
        ours.send(rank)


def _result(ours: Any, process: BaseProcess) -> Failure | str | None:
    """What came of a rank: a text says how its process ended instead."""
    try:
        result: Failure | None = ours.recv()
        return result
    except (EOFError, OSError):
        process.join(PATIENCE)
        code = process.exitcode
        return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"


def _await_end(processes: Sequence[BaseProcess]) -> None:
    """A process on a GPU holds its memory until then."""
    for process in processes:
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile, and theirs, never see Ctrl-C; this one sees it afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with(driver: BaseProcess | None) -> None:
    """End this process as soon as its driver ends."""
    if driver:
        threading.Thread(target=_exit_after, args=(driver,), daemon=True).start()


def _exit_after(driver: BaseProcess) -> None:
    driver.join()
    os._exit(1)
