"""Files that a user names are files: opening a pipe waits for ever, and a device such as /dev/zero never ends."""

import stat
from pathlib import Path

from mixes.errors import MixError


def check_plain(path: Path) -> None:
    """See that what is there can be read to an end; what is not there is for the reader to report.

    Raises:
        MixError: it is a pipe, a socket or a device.
        OSError: it cannot be looked at.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise MixError(f"{path}: is a pipe, socket or device — give the path of a file")
