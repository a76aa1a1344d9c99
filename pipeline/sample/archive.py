"""Reading members of wheels and source archives as bytes: nothing is unpacked to disk, imported or run."""

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_MEMBER = 128 << 20  # bytes; the largest member that the sample reads is 40 MB


def members(archive: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the regular members that `wanted` accepts, in name order, larger ones left out."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for info in sorted(wheel.infolist(), key=lambda info: info.filename):
                if not info.is_dir() and info.file_size <= MAX_MEMBER and wanted(info.filename):
                    yield info.filename, wheel.read(info)
        return
    with tarfile.open(archive, "r:gz") as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            if member.isfile() and member.size <= MAX_MEMBER and wanted(member.name):
                file = tar.extractfile(member)
                assert file is not None
                yield member.name, file.read()


def member(archive: Path, name_ends: str) -> bytes:
    """The one member whose name ends so."""
    contents = [content for _, content in members(archive, lambda name: name.endswith(name_ends))]
    if len(contents) != 1:
        raise KeyError(f"{archive.name}: {len(contents)} members end in {name_ends}")
    return contents[0]
