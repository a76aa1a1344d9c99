"""What the explorer reads from the catalog: documents, what was dropped, what was contaminated, and any SELECT."""

from contextlib import suppress
from pathlib import Path

import polars as pl

from flows.catalog.query import query_catalog
from flows.errors import ExperimentError
from flows.explorer.parts import note, plain_table
from flows.explorer.state import State
from flows.report.html import text

KINDS = ("documents of a domain", "dropped, by reason", "contaminated")
WITHOUT = "A swarm from files has no corpus, so there are no documents and no tables to query."
FIRST = "from funnel_by_stage"  # the query that is there at first
PAGE = 25  # documents at once
LETTERS = 4_000  # of a document
ROWS, COLUMNS = 200, 40  # of a query's answer that are drawn
PATIENCE = 30.0  # seconds that a query may take
DOCUMENTS = """select id, source, bucket, split, tokens, left(text, ?) as text from documents
    where (domain, bucket) in
      (select regexp_replace(domain, '@(low|middle|high)$', ''), bucket from buckets where domain = ?)
    and coalesce(bucket = try_cast(? as integer), true) limit ?"""
DROPPED = """select id, source, step, reason, left(text, ?) as text from dropped
    where step || ': ' || reason = ? limit ?"""


def choices(catalog: Path | None, state: State) -> tuple[list[str], str | None, dict[str, str], str | None]:
    """Domains and the one that is looked at; reasons for dropping by their titles, and the title that is looked at.

    catalog: None where nothing is looked at. What cannot be read gives nothing to choose.
    """
    if catalog is None:
        return [], None, {}, None
    try:
        domains = sorted(query_catalog(catalog, "select domain from domains")["domain"])
        reasons = {f"{name} ({count:,})": name for name, count in drop_reasons(catalog).items()}
    except ExperimentError:
        return [], None, {}, None
    title = next((title for title, name in reasons.items() if name == state.reason), next(iter(reasons), None))
    return domains, state.domain if state.domain in domains else next(iter(domains), None), reasons, title


def buckets(catalog: Path | None, domain: str | None) -> list[str]:
    """Quality buckets of a domain that hold anything, the best first; none where they cannot be read."""
    query = "select bucket from buckets where domain = ? and documents > 0 order by bucket desc"
    if catalog is None or domain is None:
        return []
    with suppress(ExperimentError):
        return [str(bucket) for bucket in query_catalog(catalog, query, [domain])["bucket"]]
    return []


def documents(catalog: Path, domain: str | None, bucket: str) -> str:
    """Documents of a domain, and of one of its buckets where one is named."""
    rows = query_catalog(catalog, DOCUMENTS, [LETTERS, domain, bucket or None, PAGE])
    return _folded(rows, f"The pool holds no document of {domain!r}{f' in bucket {bucket}' if bucket else ''}.")


def drop_reasons(catalog: Path) -> dict[str, int]:
    """`step: reason` → documents of the sample, the most frequent first."""
    if not _holds(catalog, "dropped"):
        return {}
    query = "select step || ': ' || reason as name, count(*) as n from dropped group by all order by n desc, name"
    return dict(query_catalog(catalog, query).iter_rows())


def dropped(catalog: Path, reason: str) -> str:
    """Documents that were dropped for a reason."""
    return _folded(query_catalog(catalog, DROPPED, [LETTERS, reason, PAGE]), "No document was dropped for this reason.")


def contaminated(catalog: Path) -> str:
    """Documents that hold an item of the suite."""
    if not _holds(catalog, "contaminated"):
        return note("No document was checked for items of the suite.")
    rows = query_catalog(catalog, "from contaminated order by share desc, id", most=ROWS)
    return answer_table(rows) if len(rows) else note("No document holds an item of the suite.")


def queried(catalog: Path, query: str) -> str:
    """What one SELECT gives."""
    return answer_table(query_catalog(catalog, query, most=ROWS + 1, seconds=PATIENCE))


def answer_table(rows: pl.DataFrame) -> str:
    """A frame as a table, its first rows and columns."""
    shown = rows[:ROWS, :COLUMNS]
    table = plain_table([[_short(value) for value in row] for row in shown.iter_rows()], head=shown.columns)
    cut = [f"the first {ROWS} rows"] if len(rows) > ROWS else []
    cut += [f"{COLUMNS} of {rows.width} columns"] if rows.width > COLUMNS else []
    line = f"Shown are {' and '.join(cut)}." if cut else f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}."
    return f'<div class="mx">{table}<p class="mx-note">{line}</p></div>'


def _holds(catalog: Path, view: str) -> bool:
    """Whether the catalog has a view over files, which it lacks where there were none."""
    query = "select count(*) as n from duckdb_views() where view_name = ?"
    return bool(query_catalog(catalog, query, [view])["n"][0])


def _folded(rows: pl.DataFrame, without: str) -> str:
    """Documents, each opened by a click."""
    if rows.is_empty():
        return note(without)
    parts = []
    for row in rows.iter_rows(named=True):
        words = row.pop("text")
        about = " · ".join(f"{name} {value}" for name, value in row.items() if value is not None)
        begin = (words or "its text is not kept: it came as tokens")[:160]
        body = f"<pre>{text(words)}</pre>" if words else ""
        parts.append(f"<details><summary><small>{text(about)}</small><br>{text(begin)}</summary>{body}</details>")
    most = f"The first {PAGE}. " if len(rows) == PAGE else ""
    return (
        f'<div class="mx mx-documents">{"".join(parts)}<p class="mx-note">{most}The SQL tab finds any other.</p></div>'
    )


def _short(value: object) -> object:
    """Long texts are cut: a table is for looking."""
    return value[:300] + "…" if isinstance(value, str) and len(value) > 300 else value
