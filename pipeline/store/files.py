"""Files wherever they are: local paths, and whatever fsspec opens by URL. Streamed, never downloaded whole."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:  # imported only where a URL is opened
    import fsspec

# What file systems call the fields of `info` that tell one version of a file from another. The file's address is
# none of them: behind a redirect it is signed anew at every request.
VERSION_FIELD = re.compile(
    r"etag|md5|sha|crc|checksum|digest|modified|mtime|created|blob|generation|size", re.IGNORECASE
)


@dataclass(frozen=True)
class KnownFile:
    """A file whose content is known before it is there."""

    name: str
    sha256: str


def rank_name(rank: int) -> str:
    """How files and folders of one rank are called, as datatrove calls its own."""
    return f"{rank:05d}"


def rank_file(folder: Path, rank: int) -> Path:
    """The table that one rank writes into a folder."""
    return folder / f"{rank_name(rank)}.parquet"


def is_remote(url: str) -> bool:
    """Whether it is a URL and not a local path."""
    return "://" in url


def base_name(url: str) -> str:
    """The last part of a path or URL, without a query. A # is a part of the name: no file has a fragment."""
    return Path(url.partition("?")[0] if is_remote(url) else url).name


def open_file(url: str) -> BinaryIO:
    """Open a local path or a URL for reading.

    Raises:
        Exception: whatever the file system raises.
    """
    if not is_remote(url):
        return Path(url).open("rb")
    system, path = system_of(url)
    return cast(BinaryIO, system.open(path, "rb"))


def system_of(url: str) -> "tuple[fsspec.AbstractFileSystem, str]":
    """The file system of a URL, and the path there.

    Raises:
        ValueError: the protocol is not known.
        ImportError: its driver is not installed.
    """
    import fsspec

    if url.startswith(("http://", "https://")):
        url = url.replace("#", "%23")  # a server is never told what follows a #
    system, path = fsspec.url_to_fs(url)
    return system, path


def expand(url: str) -> list[str]:
    """The URLs that a URL's pattern matches, sorted; a URL without a pattern matches itself, there or not."""
    from fsspec.core import has_magic

    system, path = system_of(url)
    pattern = url.partition("?")[0] if url.startswith("http") else path  # a ? begins a query there
    if not has_magic(pattern) or ("[" in pattern and system.exists(path)):
        return [url]
    return sorted(system.unstrip_protocol(match) for match in system.glob(path))


def fingerprint(url: str) -> str:
    """What its file system knows of a remote file's version (checksum, ETag, size, time), hashed; never its content."""
    try:
        system, path = system_of(url)
        info = system.info(path)
    except Exception as error:  # it will be refused when it is read; once it can be reached its hash is another
        return f"unreachable ({type(error).__name__})"
    version = sorted((name, str(value)) for name, value in info.items() if VERSION_FIELD.search(name))
    return hashlib.sha256(repr(version).encode()).hexdigest()
