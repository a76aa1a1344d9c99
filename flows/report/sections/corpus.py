"""The corpus: what each step kept, why the rest went, how good the rest is, and whether the classifiers are right."""

from typing import Any

import altair
import polars as pl

from flows.report.corpus_tables import CorpusTables
from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, folded, table
from flows.report.key import LINE, RANGE, UPRIGHT, Sign, key, keyed_room
from flows.report.marks import ROW, data, fitted, rows_axis, striped
from flows.report.theme import FAMILIES, INK, NATURAL, RECOMMENDED
from flows.report.words import amount, in_bytes, percent

MOST_SOURCES, MOST_REASONS, MOST_QUALITY = 40, 15, 30
THICK = "M-0.3,-1H0.3V1H-0.3Z"
OTHERS = "other sources"
MEASURES = {"average_precision": "average precision", "roc_auc": "area under ROC", "accuracy": "accuracy",
            "macro_f1": "macro F1", "calibration_error:calibrated": "calibration error"}  # fmt: skip


def corpus(findings: Findings) -> Section | None:
    """What the catalog knows; nothing for a swarm from files."""
    tables = findings.corpus
    if tables is None or tables.domains.is_empty():
        return None
    parts: list[Part] = []
    if not tables.funnel.is_empty():
        parts.append(
            Figure(
                "kept",
                "How much of each source is left?",
                lambda width: _kept(tables, width),
                "Share of the bytes that were read. Blue is in the pool; the rest was dropped or cut.",
            )
        )
        if _dropped(tables):
            parts.append(
                Figure(
                    "dropped",
                    "Why were documents dropped?",
                    lambda width: _reasons(tables, width),
                    f"Documents dropped by each step and reason, by source; the {MOST_REASONS} most frequent reasons.",
                )
            )
    parts.append(folded("Table: domains of the pool", table(_domain_rows(tables))))
    if tables.buckets["highest_quality"].drop_nulls().len():
        parts.append(
            Figure(
                "quality",
                "How good is each domain's text?",
                lambda width: _quality(tables, width),
                "Quality score by the classifier (1 is best) of each twentieth of a domain's documents; "
                "the thick tick is the middle one.",
            )
        )
    if not tables.reliability.is_empty():
        parts.append(
            Figure(
                "classifiers",
                "Are the classifiers as sure as they are right?",
                lambda width: _reliability(tables, width),
                "Held-out texts in tenths of the predicted probability. On the line, a prediction of 80 % "
                "comes true in 80 % of the texts. Large points hold many texts.",
            )
        )
        parts.append(folded("Table: held-out quality of the classifiers", table(_measure_rows(tables))))
    return Section("corpus", "The corpus", parts)  # fmt: skip


def _kept(tables: CorpusTables, width: int) -> altair.LayerChart:
    """Bytes left after the last step, of those that were read."""
    rows = [
        {"name": shown(source), "left": (share := left / max(read, 1)), "text": f"{percent(share)} of {in_bytes(read)}",
         "tip": f"{shown(source)}: {in_bytes(left)} of {in_bytes(read)} are left"}
        for source, (read, left) in list(tables.kept.items())[:MOST_SOURCES]
    ]  # fmt: skip
    names = [shown(source) for source in list(tables.kept)[:MOST_SOURCES]]
    y = rows_axis(names, width)
    x = altair.X("left:Q", title="share of the bytes read", scale=altair.Scale(domain=[0, 1.4], nice=False),
                 axis=altair.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]))  # fmt: skip
    base = altair.Chart(data(rows))
    whole = altair.Chart(data([{"name": name, "left": 1} for name in names]))
    signs = [Sign("in the pool", RECOMMENDED, RANGE), Sign("dropped or cut", NATURAL, RANGE, opacity=0.25)]
    return fitted(
        altair.layer(
            key(signs, keyed_room(width)),
            whole.mark_bar(aria=False, height=13, color=NATURAL, opacity=0.25).encode(y=y, x=x),
            base.mark_bar(height=13, color=RECOMMENDED, opacity=0.85).encode(y=y, x=x, description="tip:N"),
            base.mark_text(aria=False, align="left", dx=6, color=INK, fontSize=11).encode(
                y=y, x=altair.X(datum=1), text="text:N"
            ),
        ),
        width, altair.Step(ROW),
    )  # fmt: skip


def _dropped(tables: CorpusTables) -> list[dict[str, Any]]:
    """One row per reason and source, of the most frequent reasons; few sources by name, the others as one."""
    dropped = tables.funnel.filter(pl.col("reason") != "kept").with_columns(
        name=pl.col("step") + pl.lit(": ") + pl.col("reason")
    )
    most = (
        dropped.group_by("source").agg(pl.col("documents").sum()).sort("documents", "source", descending=[True, False])
    )
    named = most["source"].to_list()[: len(FAMILIES) - (len(most) > len(FAMILIES))]
    totals = (
        dropped.group_by("name")
        .agg(total=pl.col("documents").sum())
        .sort("total", "name", descending=[True, False])
        .head(MOST_REASONS)
    )
    joined = totals.join(dropped, on="name").with_columns(
        series=pl.when(pl.col("source").is_in(named)).then(pl.col("source")).otherwise(pl.lit(OTHERS))
    )
    summed = joined.group_by("name", "total", "series").agg(pl.col("documents").sum())
    ordered = summed.sort("total", "name", "documents", "series", descending=[True, False, True, False])
    return [
        {"name": shown(row["name"]), "series": shown(row["series"]), "value": row["documents"], "total": row["total"],
         "text": f"{row['total']:,}", "tip": f"{row['documents']:,} documents of {shown(row['series'])}"}
        for row in ordered.iter_rows(named=True)
    ]  # fmt: skip


def _reasons(tables: CorpusTables, width: int) -> altair.LayerChart:
    rows = _dropped(tables)
    names = list(dict.fromkeys(row["name"] for row in rows))
    series = list(dict.fromkeys(row["series"] for row in sorted(rows, key=lambda row: row["series"] == OTHERS)))
    y = rows_axis(names, width)
    most = max(row["total"] for row in rows)
    x = altair.X("value:Q", title="documents", scale=altair.Scale(domain=[0, most * 1.18], nice=False),
                 axis=altair.Axis(tickCount=4, format="~s"))  # fmt: skip
    of_series = dict(zip(series, FAMILIES, strict=False))
    totals = list({row["name"]: row for row in rows}.values())
    bars = altair.Chart(data([{**row, "colour": of_series[row["series"]]} for row in rows]))
    return fitted(
        altair.layer(
            key([Sign(name, colour, RANGE) for name, colour in of_series.items()], keyed_room(width)),
            bars.mark_bar(height=12, opacity=0.85).encode(
                y=y, x=x, color=altair.Color("colour:N", scale=None), description="tip:N"
            ),
            altair.Chart(data(totals)).mark_text(aria=False, align="left", dx=4, color=INK, fontSize=11).encode(
                y=y, x=altair.X("total:Q"), text="text:N"
            ),
        ),
        width, altair.Step(ROW),
    )  # fmt: skip


def _domain_rows(tables: CorpusTables) -> list[list[str]]:
    rows = [["domain", "source", "documents", "bytes", "tokens", "tokens that can be had"]]
    for row in tables.domains.iter_rows(named=True):
        rows.append(
            [shown(row["domain"]), shown(row["source"]), f"{row['documents']:,}", in_bytes(row["bytes"]),
             amount(row["tokens"]), amount(row["available_tokens"])]
        )  # fmt: skip
    return rows


def _quality(tables: CorpusTables, width: int) -> altair.LayerChart:
    """A domain's quantiles as ticks on one line."""
    scored = tables.buckets.filter(pl.col("highest_quality").is_not_null())
    medians = scored.group_by("domain").agg(pl.col("highest_quality").median().alias("middle"))
    middle = medians.sort("middle", "domain", descending=[True, False]).head(MOST_QUALITY)
    domains = middle["domain"].to_list()
    names = [shown(name) for name in domains]
    rows = [
        {"name": shown(row["domain"]), "value": row["highest_quality"],
         "tip": f"{shown(row['domain'])}: {(row['bucket'] + 1) / 20:.0%} score at most {row['highest_quality']:.2f}"}
        for row in scored.filter(pl.col("domain").is_in(domains)).iter_rows(named=True)
    ]  # fmt: skip
    middles = [{"name": shown(row["domain"]), "value": row["middle"]} for row in middle.iter_rows(named=True)]
    y = rows_axis(names, width)
    x = altair.X("value:Q", title="quality score (1 is best)", scale=altair.Scale(domain=[0, 1]))
    return fitted(
        altair.layer(
            key([Sign("a twentieth of the documents", RECOMMENDED, UPRIGHT), Sign("the middle", INK, THICK)],
                keyed_room(width)),
            striped(names, width),
            altair.Chart(data(rows)).mark_tick(color=RECOMMENDED, thickness=1.5, size=13).encode(
                y=y, x=x, description="tip:N"
            ),
            altair.Chart(data(middles)).mark_tick(aria=False, color=INK, thickness=3, size=17).encode(y=y, x=x),
        ),
        width, altair.Step(ROW + 2),
    )  # fmt: skip


def _reliability(tables: CorpusTables, width: int) -> altair.LayerChart:
    series = {
        (classifier, calibrated): f"{classifier}, {'calibrated' if calibrated else 'raw'}"
        for classifier in sorted(set(tables.reliability["classifier"]))
        for calibrated in (False, True)
    }
    of_series = dict(zip(series.values(), FAMILIES * len(series), strict=False))
    rows = [
        {"x": row["predicted"], "y": row["observed"], "size": row["texts"],
         "colour": of_series[series[row["classifier"], row["calibrated"]]],
         "tip": f"{row['texts']:,} texts: predicted {percent(row['predicted'])}, true {percent(row['observed'])}"}
        for row in tables.reliability.iter_rows(named=True) if row["texts"]
    ]  # fmt: skip
    percents = altair.Axis(format=".0%", grid=True, tickCount=5)
    x = altair.X("x:Q", title="predicted probability", axis=percents, scale=altair.Scale(domain=[0, 1]))
    y = altair.Y("y:Q", title="came true", axis=percents, scale=altair.Scale(domain=[0, 1]))
    diagonal = altair.Chart(data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(aria=False, color=INK, strokeWidth=1)
    base = altair.Chart(data(rows)).encode(x=x, y=y, color=altair.Color("colour:N", scale=None))
    signs = [Sign(name, colour) for name, colour in of_series.items()]
    size = altair.Size("size:Q", legend=None, scale=altair.Scale(type="log", range=[20, 160]))
    return fitted(
        altair.layer(
            key([*signs, Sign("as often as predicted", INK, LINE)], width - 60),
            diagonal.encode(x=x, y=y),
            base.mark_line(aria=False, strokeWidth=1.5, opacity=0.8),
            base.mark_circle(opacity=0.9).encode(size=size, description="tip:N"),
        ),
        width, 230,
    )  # fmt: skip


def _measure_rows(tables: CorpusTables) -> list[list[str]]:
    rows = [["classifier", "measure", "value", "by the texts' length alone"]]
    values = {(row[0], row[1]): row[2] for row in tables.measures.iter_rows()}
    for (classifier, measure), value in values.items():
        if measure in MEASURES:
            by_length = values.get((classifier, f"{measure}:length_only"))
            rows.append(
                [classifier, MEASURES[measure], f"{value:.3f}", "–" if by_length is None else f"{by_length:.3f}"]
            )
    return rows
