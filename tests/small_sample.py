"""Small shares of the sample's real data, as sources of an experiment and as what its stages leave."""

import json
from pathlib import Path

import numpy as np
import yaml
from fastwarc.warc import ArchiveIterator
from support import DOCUMENTS, SAMPLE, experiment_content, read_lines, write_lines
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from warcio.warcwriter import WARCWriter

from pipeline.suite import SuiteSettings, encode_suite

TASKS = {"codex_humaneval": 6, "sciq": 6, "piqa": 6}  # items taken of each task
EVIDENCE_SOURCES = ("books", "code", "science")
EVIDENCE_TASKS = ("sciq", "csqa", "codex_mbpp")


def write_experiment(folder: Path) -> None:
    """A small share of every source, a suite of three tasks, and `experiment.yaml`."""
    for source, most in DOCUMENTS.items():
        rows = read_lines(SAMPLE / source / "00000.jsonl.zst", most)
        half = len(rows) // 2
        write_lines(folder / source / "a.jsonl.zst", rows[:half])
        write_lines(folder / source / "b.jsonl.zst", rows[half:])
    write_lines(folder / "good" / "a.jsonl.zst", read_lines(SAMPLE / "good_prose" / "00000.jsonl.zst", 300))
    copy_pages(SAMPLE / "web" / "00000.warc.gz", folder / "web" / "a.warc.gz")
    items = read_lines(SAMPLE / "suite.jsonl.zst")
    chosen = [row for task, most in TASKS.items() for row in [r for r in items if r["task"] == task][:most]]
    write_lines(folder / "suite.jsonl.zst", chosen)
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment_content()))


# Headers of a record that stay; without its id and date a copy would have new ones, and the tests other documents' ids.
KEPT = ("WARC-I", "WARC-Record-ID", "WARC-Date")


def copy_pages(source: Path, target: Path) -> None:
    """All pages of a real shard, gzipped one by one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file, target.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for record in ArchiveIterator(file, parse_http=False):
            headers = {name: value for name, value in record.headers.items() if name.startswith(KEPT)}
            page = writer.create_warc_record(
                record.headers["WARC-Target-URI"], "response", payload=record.reader, warc_headers_dict=headers
            )
            writer.write_record(page)


def write_pool_and_suite(stages: Path) -> None:
    """A pool of three real domains and a suite of three real tasks, as their stages leave them."""
    texts = {
        name: [row["text"] for row in read_lines(SAMPLE / name / "00000.jsonl.zst", 40)] for name in EVIDENCE_SOURCES
    }
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator((text[:5_000] for found in texts.values() for text in found), trainer)
    files = []
    for name, found in texts.items():
        ids = np.array(tokenizer.encode("<end>".join(text[:3_000] for text in found)).ids, dtype=np.uint16)
        for split, part in zip(("train", "validation"), np.split(ids, [-700]), strict=True):
            at = stages / "tokenised" / "tokens" / f"{name}.{split}.bin"
            at.parent.mkdir(parents=True, exist_ok=True)
            part.tofile(at)
            counts = {"documents": len(found), "bytes": 0, "tokens": len(part)}
            files.append({"domain": name, "split": split, "file": at.name, **counts})
    manifest = {"tokens": "tokenised", "end": "<end>", "sources": {name: name for name in EVIDENCE_SOURCES}}
    (stages / "pool").mkdir()
    (stages / "pool" / "manifest.json").write_text(json.dumps({**manifest, "files": files}))
    tokenizer.save(str(stages / "pool" / "tokenizer.json"))
    (stages / "suite").mkdir()
    rows = read_lines(SAMPLE / "suite.jsonl.zst")
    chosen = [row for task in EVIDENCE_TASKS for row in [row for row in rows if row["task"] == task][:20]]
    write_lines(stages / "suite.jsonl.zst", chosen)
    encode_suite(
        stages / "suite.jsonl.zst", SuiteSettings(path="suite.jsonl", items=5), tokenizer, 0, 64, stages / "suite"
    )
