"""The report's files: the page, and beside it a folder of its figures. Each is whole, or not there."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from flows.errors import ExperimentError
from flows.outputs import check_file_name, check_writable
from flows.report.figure import Figure, files_of
from flows.report.html import Section
from flows.report.page import GENERATOR
from pipeline.store.writing import write_aside

HEAD = 400  # bytes in which a report says what it is
KINDS = (".png", ".svg")


def figures_folder(out: Path) -> Path:
    """Where the figures of the page `out` lie."""
    return out.with_name(f"{out.stem}_figures")


def check_out(out: Path, figures: bool) -> None:
    """Refuse files that could not be written when all is drawn, or that hold something else.

    Raises:
        ExperimentError: naming the file.
    """
    check_file_name(out)
    if out.suffix != ".html":
        raise ExperimentError(f"--out {out}: is no name for a page — let it end in .html")
    if (out.exists() or out.is_symlink()) and not _is_report(out):
        raise ExperimentError(f"--out {out}: is there already, and is no report — name another file")
    folder = figures_folder(out)
    if figures and (folder.exists() or folder.is_symlink()) and not _holds_figures(folder):
        raise ExperimentError(
            f"--out {out}: its figures go to {folder}, which holds something else — name another file"
        )
    check_writable(out.parent, f"--out {out}")


def write_report(
    out: Path, html: str, sections: Sequence[Section], figures: bool, progress: Callable[[int, int], None]
) -> int:
    """Write the page and, where asked, its figures; returns how many figures."""
    drawn = [part for section in sections for part in section.parts if isinstance(part, Figure)]
    if figures:
        _write_figures(figures_folder(out), drawn, progress)
    write_aside(out, html.encode())
    return len(drawn)


def _write_figures(folder: Path, drawn: Sequence[Figure], progress: Callable[[int, int], None]) -> None:
    """The folder, in place of an earlier one."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
        fresh = Path(aside) / "fresh"
        fresh.mkdir()
        for number, figure in enumerate(drawn):
            progress(number, len(drawn))
            for name, content in files_of(figure).items():
                (fresh / name).write_bytes(content)
        if folder.exists():
            shutil.move(folder, Path(aside) / "earlier")
        fresh.rename(folder)


def _is_report(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return f'<meta name="generator" content="{GENERATOR}">'.encode() in stream.read(HEAD)
    except OSError:
        return False


def _holds_figures(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and all(file.suffix in KINDS for file in folder.iterdir())
