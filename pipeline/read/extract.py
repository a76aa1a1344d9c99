"""Pages become text, in a child process, so that no page can hang, crash or outgrow the rank that reads it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from datatrove.data import Document

from mixes.proxy.malloc import MALLOC
from pipeline.read import page as page_script
from pipeline.read.charset import BROKEN
from pipeline.store.funnel import FilterStep

ROOT = Path(__file__).parents[2]  # of the packages
UNDECODABLE = 0.1  # share of broken characters in a text from which on it says nothing (assumed)


class ExtractText(FilterStep):
    """Turns a page's raw bytes into text; documents that are text already pass through."""

    name = "extract"

    def __init__(self, folder: Path, seconds: float = 10.0) -> None:
        super().__init__(folder)
        self.seconds = seconds
        self.child: _Child | None = None

    def judge(self, document: Document) -> str | None:
        """Drops pages without text, text that was lost in decoding, and pages that the extractor cannot cope with."""
        page = document.metadata.pop("raw", None)
        charset, extractor = document.metadata.pop("charset", ""), document.metadata.pop("extractor", "blocks")
        if page is not None:
            if not self.child or not self.child.is_alive():
                self.child = _Child(self.seconds)
            try:
                document.text = self.child.text(page, charset, extractor)
            except _Died as died:
                return died.reason
        text = document.text
        if not text.isascii() and len(BROKEN.findall(text)) > UNDECODABLE * len(text):
            return "undecodable"
        return None if text.strip() else "no text"

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """As FilterStep's; the child ends with it."""
        try:
            yield from super().run(data, rank, world_size)
        finally:
            if self.child:
                self.child.close()
            self.child = None


class _Died(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Child:
    """The process that extracts, and talks as pipeline/read/page.py says."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # Without the settings that the executor gives to proxies, by which it would keep its largest page's memory.
        env = {name: value for name, value in os.environ.items() if MALLOC.get(name) != value}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), env.get("PYTHONPATH"))))  # its neighbours
        env["OPENBLAS_NUM_THREADS"] = "1"  # each thread maps memory, of which the child may have little
        command = [sys.executable, "-P", page_script.__file__]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=nowhere)

    def text(self, page: bytes, charset: str, extractor: str) -> str:
        """A page's text.

        Raises:
            _Died: the process did not survive it.
        """
        assert self.process.stdin
        assert self.process.stdout
        wanted = {"bytes": len(page), "charset": charset, "extractor": extractor, "seconds": self.seconds}
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(wanted).encode() + b"\n")
            self.process.stdin.write(page)
            self.process.stdin.flush()
        size = self.process.stdout.readline()
        text = self.process.stdout.read(int(size)) if size else b""
        if not size or len(text) < int(size):
            timed_out = self.process.wait() in (-signal.SIGPROF, -signal.SIGALRM)
            self.close()
            raise _Died(f"extraction took longer than {self.seconds:g} s" if timed_out else "extraction crashed")
        return text.decode()

    def is_alive(self) -> bool:
        """Whether it can take another page."""
        return self.process.poll() is None

    def close(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        with contextlib.suppress(BrokenPipeError), self.process:
            pass
