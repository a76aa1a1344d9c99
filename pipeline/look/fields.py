"""Which field of a record is what: the text, its id, URL, date and licence, and one that could name domains."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.read.record import field
from pipeline.read.sources import Fields

TEXTS = (
    "text", "content", "contents", "body", "raw_content", "raw_text", "full_text", "document", "article",
    "page_content", "markdown", "code", "story", "abstract", "passage", "paragraph", "sentence", "completion", "output",
    "message",
)  # fmt: skip
IDS = (
    "id",
    "_id",
    "doc_id",
    "docid",
    "document_id",
    "uid",
    "uuid",
    "guid",
    "key",
    "hash",
    "sha",
    "name",
    "title",
    "path",
)
URLS = ("url", "uri", "link", "source_url", "target_uri", "warc_target_uri", "permalink", "webpage")
DATES = (
    "created",
    "date",
    "timestamp",
    "published",
    "published_at",
    "created_at",
    "time",
    "datetime",
    "crawl_date",
    "year",
)
LICENSES = ("license", "licence", "license_type", "rights", "licenses")
DOMAINS = (
    "domain", "topic", "category", "subset", "subdomain", "dataset", "source", "genre", "subject", "section", "lang",
    "language", "programming_language", "type", "label",
)  # fmt: skip
DEEPEST = 3  # objects in one another that are looked into
MOST_FIELDS = 300
LEAST_PRESENT = 0.5  # share of the records that must hold a field
LEAST_TEXT = 20  # characters that a text has on average; a field that is called as texts are needs no more
LEAST_UNNAMED = 80  # characters on average of a field that is taken for the text although it is called otherwise
MOST_VALUES = 30  # of a field that could name domains
LEAST_ROWS = 3  # records for each value on average
LONGEST_VALUE = 60  # characters


@dataclass(frozen=True)
class DomainField:
    """A field whose few values could be domains."""

    path: str
    values: tuple[tuple[str, int], ...]  # (value, sampled records), the most frequent first


@dataclass(frozen=True)
class Chosen:
    """What was decided of a source's fields."""

    fields: Fields
    is_sure: bool  # whether the text's field is called as texts are
    domain: DomainField | None


def flat_fields(row: dict) -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of every value of a record that is no object."""
    waiting: list[tuple[str, Any, int]] = [("", row, 0)]
    while waiting:
        path, value, depth = waiting.pop(0)
        if isinstance(value, dict) and depth < DEEPEST:
            inner = [
                (f"{path}.{name}" if path else str(name), part) for name, part in list(value.items())[:MOST_FIELDS]
            ]
            waiting += [(name, part, depth + 1) for name, part in inner]
        elif path:
            yield path, value


def choose_fields(rows: Sequence[dict], text: str | None = None) -> Chosen | str:
    """What each field of sampled records is, or the reason why no field can be the text.

    text: the field that holds the text, where the user says it.
    """
    values: dict[str, list[Any]] = {}
    for row in rows:
        for path, value in flat_fields(row):
            if value is not None and (path in values or len(values) < MOST_FIELDS):
                values.setdefault(path, []).append(value)
    texts = {path: _mean_length(found, len(rows)) for path, found in values.items()}
    texts = {path: length for path, length in texts.items() if length}
    chosen = text or _text_field(texts)
    if chosen is None or (text and text not in texts):
        return _no_text(values, texts, text)
    common = {path: found for path, found in values.items() if len(found) >= LEAST_PRESENT * len(rows)}
    others = {path: found for path, found in common.items() if path != chosen}
    names = {
        "id": _named(others, IDS, "id"),
        "url": _named({path: found for path, found in others.items() if _are_urls(found)}, URLS, "metadata.url"),
        "date": _named(others, DATES, "created"),
        "license": _named(others, LICENSES, "metadata.license"),
    }
    fields = Fields(text=chosen, **{name: path for name, path in names.items() if path})
    is_sure = chosen.rpartition(".")[2].lower() in TEXTS
    return Chosen(fields, is_sure, _domain_field(others, set(fields.model_dump().values()), len(rows)))


def _mean_length(values: list[Any], rows: int) -> float:
    """Mean characters of a field that holds texts; 0 where it does not, or is there too seldom."""
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < LEAST_PRESENT * max(rows, 1) or 2 * len(texts) < len(values):
        return 0.0
    return sum(map(len, texts)) / len(texts)


def _text_field(texts: dict[str, float]) -> str | None:
    """The field called as texts are, if it is not much shorter than another; else the longest, if it is prose."""
    by_name = [path for name in TEXTS for path in texts if path.rpartition(".")[2].lower() == name]
    named = [path for path in by_name if texts[path] >= LEAST_TEXT]
    if named:
        return named[0]
    longest = max(texts, key=lambda path: texts[path], default=None)
    if longest and texts[longest] >= LEAST_UNNAMED and not longest.rpartition(".")[2].lower().endswith(("url", "uri")):
        return longest
    return by_name[0] if len(texts) == 1 and by_name else None


def _no_text(values: dict[str, list[Any]], texts: dict[str, float], asked: str | None) -> str:
    shown = [f"{path} ({_kind(path, found, texts)})" for path, found in list(values.items())[:12]]
    more = f" and {len(values) - 12} more" if len(values) > 12 else ""
    fields = f"its records have {', '.join(shown)}{more}" if shown else "its records have no fields"
    if asked:
        return f"no field {asked!r} that holds texts: {fields} — name one of these with --text"
    longest = max(texts, key=lambda path: texts[path], default=None)
    if longest is None:
        return f"no field holds a text: {fields} — write each document's text into a field 'text'"
    return f"no field looks like the text of a document: {fields} — if it is {longest!r}, add --text {longest}"


def _kind(path: str, found: list[Any], texts: dict[str, float]) -> str:
    if path in texts:
        return f"text of {texts[path]:.0f} characters"
    kinds = {bool: "true or false", int: "number", float: "number", list: "list", str: "text, seldom", bytes: "bytes"}
    return kinds.get(type(found[0]), "object")


def _named(values: dict[str, list[Any]], names: Sequence[str], usual: str) -> str | None:
    """The field of plain values that is called so; the one that is read by default goes first."""
    plain = [path for path, found in values.items() if isinstance(found[0], str | int | float)]
    if usual in plain:
        return usual
    matches = [path for name in names for path in plain if path.rpartition(".")[2].lower() == name]
    return min(matches, key=lambda path: path.count("."), default=None)


def _are_urls(values: list[Any]) -> bool:
    return all(isinstance(value, str) and (not value or re.match(r"\w+://|www\.", value)) for value in values[:20])


def _domain_field(values: dict[str, list[Any]], taken: set[str | None], rows: int) -> DomainField | None:
    """The field whose few values come again and again; one that is called as domains are goes first."""
    fitting = {}
    for path, found in values.items():
        if path in taken or len(found) < 0.95 * rows or not all(isinstance(value, str) and value for value in found):
            continue
        counts = Counter(found)
        if (
            1 < len(counts) <= MOST_VALUES
            and LEAST_ROWS * len(counts) <= rows
            and max(map(len, counts)) <= LONGEST_VALUE
            and not _are_urls(found)
            and not all(re.match(r"\d{4}-\d\d", value) for value in counts)  # dates
        ):
            fitting[path] = DomainField(path, tuple(counts.most_common()))
    by_name = [path for name in DOMAINS for path in fitting if path.rpartition(".")[2].lower() == name]
    return fitting[by_name[0]] if by_name else None


def many_hosts(rows: Sequence[dict], path: str) -> bool:
    """Whether records come from many hosts, as pages of the web do."""
    urls = [field(row, path) for row in rows]
    hosts = [re.sub(r"^\w+://(www\.)?", "", url).partition("/")[0] for url in urls if isinstance(url, str) and url]
    return len(hosts) >= LEAST_PRESENT * len(rows) and len(set(hosts)) >= max(3, 0.2 * len(hosts))
