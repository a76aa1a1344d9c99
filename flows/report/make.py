"""The flow that draws a report, writes it, and leaves the verdict and a link to the page on a Prefect server."""

from pathlib import Path

from flows.orchestration import flow, publish, publish_link
from flows.report.findings import Findings
from flows.report.page import page
from flows.report.report import sections_of
from flows.report.write import write_report
from flows.show.progress import stage_progress
from mixes.show.markdown import escaped


@flow("report")
def report_flow(findings: Findings, out: Path, figures: bool) -> tuple[int, int]:
    """Write the page, and its figures where asked; returns the page's bytes, and how many figures it has."""
    with stage_progress("report") as progress:
        sections = sections_of(findings)
        html = page(findings, sections, progress)
    if figures:
        with stage_progress("figures") as progress:
            count = write_report(out, html, sections, figures, progress)
    else:
        count = write_report(out, html, sections, figures, lambda done, total: None)
    publish("report", escaped(findings.recommendation.summary), findings.recommendation.id)
    address = out.resolve().as_uri()
    publish_link(
        "report-page",
        address,
        out.name,
        f"Report on {findings.recommendation.id}, on the machine that wrote it: {escaped(str(out))}",
    )
    return len(html.encode()), count
