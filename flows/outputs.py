"""Where a command writes what it was asked for: checked before anything is computed."""

import tempfile
from pathlib import Path

from flows.errors import ExperimentError
from mixes.errors import cut_short


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


def check_file_name(out: Path) -> None:
    """See that `--out` names a file in a folder that is there.

    Raises:
        ExperimentError: it does not.
    """
    try:
        is_folder, has_folder = out.is_dir(), out.parent.is_dir()
    except (OSError, ValueError) as error:
        raise ExperimentError(f"--out: {cut_short(str(out))} is no name for a file ({error})") from None
    if is_folder:
        raise ExperimentError(f"--out {out}: is a folder — name a file in it")
    if not has_folder:
        raise ExperimentError(f"--out {out}: there is no folder {str(out.parent)!r} — make it, or name another")
