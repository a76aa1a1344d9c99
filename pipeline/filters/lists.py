"""Lists of hosts, URLs and words: those that datatrove ships, and a user's own."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import PipelineError


def _assets() -> Path:
    """datatrove's folder of lists, found without importing it."""
    package = find_spec("datatrove")
    assert package
    assert package.origin
    return Path(package.origin).parent / "assets"


ASSETS = _assets()
ARCHIVE = ASSETS / "url_filterblacklistsv0_3_0.tar.gz"
WORDS = {kind: ASSETS / f"{kind}.txt" for kind in ("banned_words", "banned_subwords", "soft_banned_words")}
LONGEST_LINE = 4_096  # characters of a line of a list; longer ones are no host or URL


def read_list(path: Path, section: str) -> Iterator[str]:
    """Lines of a user's list, without comments and empty ones.

    Raises:
        PipelineError: the file is not text, or a line is neither a host nor a URL.
    """
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                text = "\0"
            if "\0" in text or len(line) == LONGEST_LINE:
                raise PipelineError(f"{section}: {path.name} line {number} is not text — give a host or URL a line")
            text = text.partition("#")[0].strip() if text.lstrip().startswith("#") else text.strip()
            if "/" not in text and len(text.split()) > 1:
                raise PipelineError(
                    f"{section}: {path.name} line {number}: {text[:80]!r} is no host, URL or id — give one per line"
                )
            if text:
                yield text
