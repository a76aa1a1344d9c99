"""Where a command writes what it was asked for: checked before anything is computed."""

import tempfile
from pathlib import Path

from flows.errors import ExperimentError


def check_writable(folder: Path, option: str) -> None:
    """See that a file can be made in the folder, by making one without a name.

    Raises:
        ExperimentError: naming the option.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ExperimentError(f"{option}: cannot be written ({error.strerror}) — name another place") from None
