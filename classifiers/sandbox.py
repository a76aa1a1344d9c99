"""Runs one of our modules in a process of its own, bounded in time: whatever fastText does to it stays there."""

import ctypes
import os
import signal
import subprocess
import sys

from classifiers.errors import ClassifierError

PR_SET_PDEATHSIG = 1  # of Linux


def end_with_parent() -> None:
    """End this process when the one that started it ends, however it ends. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run_child(module: str, words: list[str], seconds: float, about: str) -> str:
    """Standard output of `python -m module words…`.

    Raises:
        ClassifierError: it failed, was killed, or took longer than `seconds`; `about` begins the line.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", module, *words]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise ClassifierError(f"{about} took longer than {seconds:.0f} s") from None
    if done.returncode < 0:
        raise ClassifierError(f"{about} died of {signal.Signals(-done.returncode).name}")
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ClassifierError(f"{about} failed ({lines[-1] if lines else f'exit code {done.returncode}'})")
    return done.stdout.decode()
