"""Pages become text; none of them can hang or break the flow."""

import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from datatrove.data import Document

from pipeline.errors import PipelineError
from pipeline.read.extract import ExtractText
from pipeline.read.extractors import check_extractors
from pipeline.read.page import page_text
from pipeline.read.sources import SourceSettings

PROSE = "The river rose for three days and the people of the valley watched it with patience. " * 5
PAGE = f"<html><body><nav><a href='/'>Home</a></nav><main><p>{PROSE}</p><p>{PROSE}</p></main></body></html>"


def document(content: bytes | str, **metadata) -> Document:
    """A page where content is bytes, else a text."""
    page = {"raw": content, "charset": "", "extractor": "blocks"} if isinstance(content, bytes) else {}
    text = "" if page else str(content)
    return Document(text=text, id=str(id(content)), metadata={"source": "x", **page, **metadata})


def reasons(folder: Path) -> dict[str, int]:
    table = pl.read_parquet(folder / "funnel" / "extract" / "*.parquet")
    return dict(table.select("reason", "documents").rows())


def test_extraction_keeps_the_main_text_and_knows_charsets():
    page = "<html><head><meta charset='iso-8859-2'></head><body><nav>Home</nav><main><p>Žluťoučký kůň</p></main></body>"
    assert "Žluťoučký kůň" in page_text(page.encode("iso-8859-2"))
    assert "Home" not in page_text(page.encode("iso-8859-2"))
    for declared in ("utf-8", "UTF8", "x-none", "hex", "idna", "\0", ""):  # an unknown one is as good as none
        assert "Žluťoučký kůň" in page_text(page.replace("iso-8859-2", "x-none").encode("utf-8"), declared), declared


def test_pages_that_hang_are_counted_and_the_next_one_is_read(tmp_path):
    step = ExtractText(tmp_path, seconds=0.3)

    def pages() -> Iterator[Document]:
        yield document(PAGE.encode())
        first = step.child.process.pid
        yield document(b"<div>" * 40_000)  # quadratic in the depth
        yield document(PAGE.encode())
        assert step.child.process.pid != first
        os.kill(step.child.process.pid, signal.SIGSEGV)
        step.child.process.wait()
        yield document(PAGE.encode())  # whoever ended the process, it was not this page
        pids.append(step.child.process.pid)

    pids: list[int] = []
    kept = [found.text for found in step.run(pages())]
    assert kept == [page_text(PAGE.encode())] * 3
    assert reasons(tmp_path) == {"extraction took longer than 0.3 s": 1, "kept": 3}
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_page_that_breaks_the_extractor_is_counted(tmp_path):
    pages = [document(b"<p>a" * 4_000_000), document(PAGE.encode())]  # the first would take two
    assert len(list(ExtractText(tmp_path).run(iter(pages)))) == 1
    assert reasons(tmp_path) == {"extraction crashed": 1, "kept": 1}


def test_what_says_nothing_is_dropped(tmp_path):
    lost = "\ufffd\ufffd \ufffd\ufffd\ufffd a"
    noise = bytes(random.Random(0).choices(range(256), k=5_000))
    given = [
        document(lost),
        document(f"<p>{lost}</p>".encode()),
        document(b"<p>" + noise, charset="utf-8"),  # with hardly a character that is right in any charset
        document(b"<p>" + noise),
        document(b"<p> </p>"),
        document(" "),
        document("a"),
        document(f"<p>{PROSE}\xff{PROSE}".encode("latin-1"), charset="utf-8"),
    ]
    texts = [found.text for found in ExtractText(tmp_path).run(iter(given))]
    assert texts == ["a", f"{PROSE}ÿ{PROSE}".strip()]
    assert reasons(tmp_path) == {"undecodable": 4, "no text": 2, "kept": 2}


def test_trafilatura_extracts_where_a_source_asks_for_it(tmp_path):
    pages = [document(PAGE.encode(), extractor=name) for name in ("trafilatura", "blocks", "trafilatura")]
    texts = [found.text for found in ExtractText(tmp_path, seconds=5).run(iter(pages))]
    assert texts[0] == texts[2] == page_text(PAGE.encode(), extractor="trafilatura")
    assert all("watched it with patience" in text for text in texts)
    assert "Home" not in "".join(texts)


@pytest.mark.parametrize("missing", ["trafilatura", "lxml_html_clean"])
def test_an_extractor_that_is_not_installed(monkeypatch, missing):
    sources = {"web": SourceSettings(path="*.gz", format="warc", extractor="trafilatura")}
    check_extractors(sources)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(PipelineError, match=r"sources\.web\.extractor: .*pip install trafilatura lxml_html_clean"):
        check_extractors(sources)
    check_extractors({"web": SourceSettings(path="*.gz", format="warc")})
