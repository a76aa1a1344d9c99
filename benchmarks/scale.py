"""Flow 1 at scale: memory and time over ten times the shards, the same bytes on any number of workers and after kills.

    .venv/bin/python benchmarks/scale.py grow      # 1 × and 10 × the sample's web pages and encyclopedia leads
    .venv/bin/python benchmarks/scale.py workers   # one, two and four workers
    .venv/bin/python benchmarks/scale.py kill      # SIGKILL at three random moments, then resumed

The further copies of a shard hold the same sentences with their words shuffled, so that deduplication keeps them.
Every run is `mixwright prepare` as a user starts it.
"""

import argparse
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import orjson
import psutil
import yaml
import zstandard
from fastwarc.warc import ArchiveIterator
from peak_memory import tree_pss
from rich.console import Console
from rich.table import Table
from warcio.warcwriter import WARCWriter

from pipeline.read.lines import lines

SAMPLE = Path("build/sample").resolve()
TEXT_NODE = re.compile(rb">([^<>]{40,})<")
SENTENCE = re.compile(rb"(?<=[.!?])\s+")


def shuffled(text: bytes, draw: random.Random) -> bytes:
    """The text with each sentence's words in another order, its first and last in their places."""
    sentences = []
    for sentence in SENTENCE.split(text):
        words = sentence.split(b" ")
        middle = words[1:-1]
        draw.shuffle(middle)
        sentences.append(b" ".join([*words[:1], *middle, *words[-1:]] if len(words) > 1 else words))
    return b" ".join(sentences)


def copy_web(copy: int, folder: Path) -> None:
    """All WARC shards of the sample, their text nodes shuffled (the first copy as it is)."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in sorted((SAMPLE / "web").glob("*.warc.gz")):
        draw = random.Random(f"{copy}{shard.name}")
        with shard.open("rb") as file, (folder / f"{copy:02d}-{shard.name}").open("wb") as out:
            writer = WARCWriter(out, gzip=True)
            for record in ArchiveIterator(file, parse_http=False):
                content = record.reader.read()
                if copy:
                    content = TEXT_NODE.sub(lambda found: b">" + shuffled(found.group(1), draw) + b"<", content)  # noqa: B023
                    head, _, body = content.partition(b"\r\n\r\n")
                    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
                    content = head + b"\r\n\r\n" + body
                url = f"{record.headers['WARC-Target-URI']}#{copy}"
                given = {"WARC-Identified-Payload-Type": "text/html"}
                page = writer.create_warc_record(url, "response", payload=BytesIO(content), warc_headers_dict=given)
                writer.write_record(page)


def copy_leads(copy: int, folder: Path) -> None:
    """The encyclopedia's shards, shuffled likewise."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in sorted((SAMPLE / "encyclopedia").glob("*.zst")):
        draw = random.Random(f"{copy}{shard.name}")
        with zstandard.open(folder / f"{copy:02d}-{shard.name}", "wb") as out:
            for line in lines(shard):
                row = orjson.loads(line)
                if copy:
                    row["text"] = shuffled(row["text"].encode(), draw).decode()
                    row["id"] = f"{row['id']}#{copy}"
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def experiment(folder: Path, corpus: Path, copies: int, workers: int) -> Path:
    """An experiment file over the first copies, its work beside it."""
    shards = f"{corpus}/{{}}/*" if copies > 1 else f"{corpus}/{{}}/00-*"
    content = {
        "name": folder.name,
        "work": "work",
        "sources": {
            "web": {"path": shards.format("web"), "format": "warc", "quality": True, "topics": True},
            "encyclopedia": {"path": shards.format("leads"), "format": "jsonl", "filters": False},
        },
        "language": {"model": str(SAMPLE / "lid.176.ftz")},
        "quality": {"positives": os.path.relpath(SAMPLE / "good_prose", folder) + "/*.zst", "negatives": "web"},
        "topics": {"labelled": "encyclopedia", "most_texts": 9_000},
        "suite": {"path": str(SAMPLE / "suite.jsonl.zst")},
        "executor": {"workers": workers},
    }
    folder.mkdir(parents=True)
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def start(path: Path) -> subprocess.Popen:
    """`mixwright prepare`, in a process group of its own."""
    command = [sys.executable, "-m", "flows.cli", "prepare", str(path)]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> tuple[float, float]:
    """(seconds, peak bytes of the process tree) until it ends."""
    started, peak, root = time.monotonic(), 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, tree_pss(root))
        except psutil.NoSuchProcess:
            break
        time.sleep(0.2)
    if process.wait():
        assert process.stderr
        sys.exit(process.stderr.read().decode()[-2_000:])
    return time.monotonic() - started, peak


def pool_hash(path: Path) -> str:
    """Over every token file and every row of the finished pool."""
    together = hashlib.sha256()
    for pattern in ("pool-*/manifest.json", "tokenise-*/tokens/*/*.bin", "tokenise-*/pool/*.parquet"):
        for file in sorted((path.parent / "work" / "stages").glob(pattern)):
            together.update(f"{file.relative_to(path.parent)}".encode() + file.read_bytes())
    return together.hexdigest()[:16]


def grow(folder: Path, console: Console) -> None:
    """1 × and 10 ×."""
    table = Table("shards", "seconds", "peak MB", "seconds ÷", "memory ÷", title="mixwright prepare, two workers")
    measured: list[tuple[float, float]] = []
    for copy in range(10):
        copy_web(copy, folder / "corpus" / "web")
        copy_leads(copy, folder / "corpus" / "leads")
    for copies in (1, 10):
        measured.append(finish(start(experiment(folder / f"x{copies}", folder / "corpus", copies, 2))))
        seconds, peak = measured[-1]
        table.add_row(
            f"{copies} ×", f"{seconds:.0f}", f"{peak / 1e6:.0f}",
            f"{seconds / measured[0][0]:.2f}", f"{peak / measured[0][1]:.2f}",
        )  # fmt: skip
    console.print(table)


def workers(folder: Path, console: Console) -> None:
    """One, two, four."""
    one_copy(folder)
    table = Table("workers", "pool", title="The pool's hash")
    for count in (1, 2, 4):
        path = experiment(folder / f"w{count}", folder / "corpus", 1, count)
        finish(start(path))
        table.add_row(str(count), pool_hash(path))
    console.print(table)


def kill(folder: Path, console: Console) -> None:
    """Undisturbed, and killed three times."""
    one_copy(folder)
    whole = experiment(folder / "whole", folder / "corpus", 1, 2)
    seconds, _ = finish(start(whole))
    killed = experiment(folder / "killed", folder / "corpus", 1, 2)
    draw = random.Random(7)
    table = Table("run", "after", "stages finished", "pool", title="SIGKILL to the whole process group, then resumed")
    for number in range(3):
        moment = draw.uniform(0.15, 0.6) * seconds
        process = start(killed)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = sorted(stage.name.rpartition("-")[0] for stage in (killed.parent / "work" / "stages").glob("[a-z]*-*"))
        table.add_row(f"killed {number + 1}", f"{moment:.1f} s", ", ".join(done), "")
    finish(start(killed))
    table.add_row("resumed", "", "all", pool_hash(killed))
    table.add_row("undisturbed", f"{seconds:.1f} s", "all", pool_hash(whole))
    console.print(table)


def one_copy(folder: Path) -> None:
    """The sample's shards, under the names that the experiment wants."""
    copy_web(0, folder / "corpus" / "web")
    copy_leads(0, folder / "corpus" / "leads")


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["grow", "workers", "kill"])
    what = {"grow": grow, "workers": workers, "kill": kill}[parser.parse_args().what]
    with tempfile.TemporaryDirectory() as folder:
        what(Path(folder), Console(width=120))


if __name__ == "__main__":
    main()
