"""Ctrl-C and SIGTERM stop a command in one line, whatever it is doing.

Both raise `Stopped` in the main thread. It is not a KeyboardInterrupt, which the command line's library would turn into
an exit of its own, and not an Exception, which a caller might catch.
"""

import os
import signal
import threading
from types import FrameType

PATIENCE = 15  # seconds that ending the work may take; then the process is ended


class Stopped(BaseException):
    """A signal asked the command to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number  # as a shell counts it


def stop_on_signals() -> None:
    """From now on both signals stop the command. A signal that the parent process has switched off stays off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, _give_up)
    last = threading.Timer(PATIENCE, os._exit, (128 + number,))
    last.daemon = True
    last.start()
    raise Stopped(number)


def _give_up(number: int, _frame: FrameType | None) -> None:
    """Asked a second time: the processes of this one end with it."""
    os._exit(128 + number)
