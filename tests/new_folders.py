"""Folders of text as people have them, and the cache that holds the default suite and language model."""

import gzip
import json
from pathlib import Path

import polars as pl
import zstandard
from support import SAMPLE, read_lines

from pipeline.sample.defaults import LANGUAGE_MODEL, SUITE
from pipeline.store.files import KnownFile


def rows(source: str, most: int = 200) -> list[dict]:
    """Records of the sample."""
    return read_lines(SAMPLE / source / "00000.jsonl.zst", most)


def as_lines(records: list[dict]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def write_folders(folder: Path, most: int = 200) -> None:
    """Three folders of real text: plain JSON lines, gzipped shards, Parquet; each with fields of its own."""
    wiki = [
        {"title": row["text"].split("\n")[0], "content": row["text"], "topic": row["metadata"]["topic"]}
        for row in rows("encyclopedia", most)
    ]
    code = [{"path": row["id"], "text": row["text"][:3_000]} for row in rows("code", most)]
    law = [{"body": row["text"][:3_000], "n": number} for number, row in enumerate(rows("law", most))]
    for name in ("wiki", "code", "law"):
        (folder / name).mkdir(parents=True)
    (folder / "wiki" / "README.md").write_text("leads")
    (folder / "wiki" / "all.jsonl").write_bytes(as_lines(wiki))
    for shard in range(2):
        (folder / "code" / f"part-{shard}.jsonl.gz").write_bytes(gzip.compress(as_lines(code[shard::2])))
    pl.DataFrame(law).write_parquet(folder / "law" / "law.parquet")


def defaults_cache(cache: Path) -> dict[str, str]:
    """The environment of a cache that holds both defaults, taken from the sample; nothing is downloaded."""
    suite = zstandard.ZstdDecompressor().stream_reader((SAMPLE / "suite.jsonl.zst").open("rb")).read()
    for default, content in ((LANGUAGE_MODEL, (SAMPLE / "lid.176.ftz").read_bytes()), (SUITE, suite)):
        place = place_of(cache, default)
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
    return {"MIXWRIGHT_CACHE": str(cache)}


def place_of(cache: Path, default: KnownFile) -> Path:
    return cache / "defaults" / default.sha256[:12] / default.name
