"""Tokenises the labelled documents into token files by domain, bucket and split."""

import hashlib
import json
import re
import shutil
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from tokenizers import Tokenizer

from mixes.hashes import short_hash
from mixes.proxy.tokens import id_type
from pipeline.pool.domains import DomainPlan, read_domains
from pipeline.pool.pool import TRAIN, VALIDATION
from pipeline.store.documents import read_rows, write_rows
from pipeline.store.files import rank_name
from pipeline.store.tokenizer import load_tokenizer, vocabulary_size
from pipeline.store.writing import written_aside

BATCH = 256  # documents tokenised in one call
NO_NAME = re.compile(r"[^A-Za-z0-9.+#_-]")  # what no file should be called
READABLE = 60  # characters of a domain in a file's name

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("bucket", pa.int64()),
        ("split", pa.string()),
        ("topic", pa.string()),
        ("topic_score", pa.float64()),
        ("quality", pa.float64()),
        ("url", pa.string()),
        ("date", pa.string()),
        ("license", pa.string()),
        ("bytes", pa.int64()),
        ("tokens", pa.int64()),  # the ending token included
        ("text", pa.string()),  # null where the document came as tokens
    ]
)


class TokeniseDocuments(PipelineStep):
    """Rank r tokenises file r of the clean documents, as its labels place them."""

    type = "mixwright"
    name = "tokenise"

    def __init__(self, filtered: Path, labelled: Path, domains: Path, tokenizer: Path, end: str, folder: Path) -> None:
        super().__init__()
        self.filtered, self.labelled, self.domains = filtered, labelled, domains
        self.tokenizer, self.end, self.folder = tokenizer, end, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes token files; yields nothing."""
        name = rank_name(rank)
        labels = {row["id"]: row for row in read_rows(self.labelled / "labels" / f"{name}.parquet")}
        rows = (
            {**row, **labels[row["id"]]}
            for row in read_rows(self.filtered / "documents" / f"{name}.parquet")
            if row["id"] in labels
        )
        tokenizer = load_tokenizer(self.tokenizer)
        dtype = id_type(vocabulary_size(tokenizer))
        write_tokens(self._tokenised(rows, tokenizer), dtype, self.domains, self.folder, name)
        return iter(())

    def _tokenised(self, rows: Iterator[dict], tokenizer: Tokenizer) -> Iterator[tuple[dict, np.ndarray]]:
        end = tokenizer.token_to_id(self.end)
        while batch := list(islice(rows, BATCH)):
            encoded = tokenizer.encode_batch_fast([row["text"] for row in batch], add_special_tokens=False)
            for row, encoding in zip(batch, encoded, strict=True):
                yield row, np.array([*encoding.ids, end], dtype=np.uint32)


def write_tokens(
    documents: Iterable[tuple[dict, np.ndarray]], dtype: np.dtype, domains: Path, folder: Path, name: str
) -> None:
    """Write one rank's `tokens/<name>/*.bin`, their list beside them, and `pool/<name>.parquet`.

    documents: labelled rows, and their token ids, (tokens,), the ending one included; dtype: of ids in the files. What
    a row does not know (the text of a document that came as tokens) is null in the pool.
    """
    for left in (folder / "tokens").glob(f".{name}.*"):  # by an earlier life of this rank
        shutil.rmtree(left)
    with written_aside(folder / "tokens" / name) as aside:
        aside.mkdir()
        files = _TokenFiles(aside, dtype)
        write_rows(_placed(documents, read_domains(domains), files), SCHEMA, folder / "pool" / f"{name}.parquet")
        files.close()


def _placed(
    documents: Iterable[tuple[dict, np.ndarray]], plans: dict[str, DomainPlan], files: "_TokenFiles"
) -> Iterator[dict]:
    for row, tokens in documents:
        domain, plan = _domain_of(row, plans)
        row.update(
            domain=domain,
            bucket=bisect_right(plan.edges, row["quality"]) if plan.edges else 0,
            split=_split_of(row, plan),
            tokens=len(tokens),
        )
        files.add(row, tokens)
        yield {field: row.get(field) for field in SCHEMA.names}


def _domain_of(row: dict, plans: dict[str, DomainPlan]) -> tuple[str, DomainPlan]:
    for name, plan in plans.items():
        if plan.source == row["source"] and (plan.topics is None or row["topic"] in plan.topics):
            return name, plan
    raise LookupError(f"no domain takes document {row['id']} of {row['source']}, topic {row['topic']}")


def _split_of(row: dict, plan: DomainPlan) -> str:
    return VALIDATION if row["id"] < plan.held_out_below and row["bytes"] <= plan.held_out_bytes else TRAIN


def file_name(domain: str) -> str:
    """A domain's name as that of a file: readable, of bounded length, and another one for every other domain."""
    return f"{NO_NAME.sub('-', domain)[:READABLE]}-{short_hash(domain)[:8]}"


class _TokenFiles:
    """One open file a (domain, bucket, split), and a list of what went into each."""

    def __init__(self, folder: Path, dtype: np.dtype) -> None:
        self.folder, self.dtype = folder, dtype
        self.open: dict[tuple[str, int, str], tuple] = {}
        self.counts: dict[tuple[str, int, str], list[int]] = {}
        self.hashes: dict[tuple[str, int, str], hashlib._Hash] = {}

    def add(self, row: dict, tokens: np.ndarray) -> None:
        """Append one document."""
        key = (row["domain"], row["bucket"], row["split"])
        if key not in self.open:
            name = f"{file_name(row['domain'])}.{row['bucket']:02d}.{row['split']}.bin"
            self.open[key] = (name, (self.folder / name).open("wb"))
            self.counts[key], self.hashes[key] = [0, 0, 0], hashlib.sha256()
        content = tokens.astype(self.dtype).tobytes()
        self.open[key][1].write(content)
        self.hashes[key].update(content)
        for place, value in enumerate((1, row["bytes"], len(tokens))):
            self.counts[key][place] += value

    def close(self) -> None:
        """Close all files and write `files.json`."""
        listed = []
        for key in sorted(self.open):
            name, file = self.open[key]
            file.close()
            documents, size, tokens = self.counts[key]
            listed.append(
                {
                    "file": name,
                    "domain": key[0],
                    "bucket": key[1],
                    "split": key[2],
                    "documents": documents,
                    "bytes": size,
                    "tokens": tokens,
                    "sha256": self.hashes[key].hexdigest(),
                }
            )
        (self.folder / "files.json").write_text(json.dumps(listed, indent=1))
