"""The page: one HTML file with its style and its figures, which loads nothing and runs no script."""

from collections.abc import Callable, Sequence
from pathlib import Path

from flows.report.figure import Figure, inlined
from flows.report.findings import Findings, shown
from flows.report.html import Section, text
from mixes.target import OVERALL

GENERATOR = "mixwright report"  # by which an earlier report is known, and may be replaced
STYLE = Path(__file__).parent / "page.css"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # a browser then loads nothing at all


def page(findings: Findings, sections: Sequence[Section], progress: Callable[[int, int], None]) -> str:
    """The HTML; drawing its figures takes seconds."""
    name = text(shown(findings.name) + (f", at {findings.at}" if findings.at else ""))
    links = "".join(f'<a href="#{section.anchor}">{text(section.title)}</a>' for section in sections)
    parts = []
    for number, section in enumerate(sections):
        progress(number, len(sections))
        parts.append(_section(section))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="generator" content="{GENERATOR}">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Data mix for {name}</title><style>{STYLE.read_text()}</style></head><body>"
        f'<header><h1>Data mix for {name}</h1><p class="sub">{_subtitle(findings)}</p><nav>{links}</nav></header>'
        f"<main>{''.join(parts)}</main></body></html>\n"
    )


def _subtitle(findings: Findings) -> str:
    problem = findings.problem
    runs = problem.fitted.runs
    count = len(set(runs.mixes)) if findings.at else len(problem.tried)  # a mix that two sizes have is one
    counts = (
        f"{len(runs)} proxies (small models) on {count} mixes of {len(runs.domains)} domains, scored on "
        f"{len(runs.tasks)} tasks. Laws fitted to their scores predict other mixes."
    )
    words = "Natural is the mix that the pool has by itself; uniform gives every domain the same share."
    unit = " Scores are bits per byte (bpb): less is better." if findings.unit(OVERALL) == "bpb" else ""
    sizes = (
        f" The answer for a model of the size {findings.at} (parameters:tokens), by proxies of several sizes: "
        f"{findings.runs_by_size}.{findings.carried}"
        if findings.at
        else ""
    )
    return text(f"{findings.recommendation.id}.{sizes} {counts}{unit} {words}")


def _section(section: Section) -> str:
    parts = "".join(_figure(part) if isinstance(part, Figure) else part for part in section.parts)
    return f'<section id="{section.anchor}"><h2>{text(section.title)}</h2>{parts}</section>'


def _figure(figure: Figure) -> str:
    note = f"<figcaption>{text(figure.note)}</figcaption>" if figure.note else ""
    return f'<h3>{text(figure.title)}</h3><figure id="figure-{figure.name}">{inlined(figure)}{note}</figure>'
