"""All sections of a report, in the order in which people ask."""

from flows.report.findings import Findings
from flows.report.html import Section
from flows.report.sections.corpus import corpus
from flows.report.sections.cost import cost
from flows.report.sections.lineage import lineage
from flows.report.sections.mix import mix
from flows.report.sections.others import others
from flows.report.sections.scores import scores
from flows.report.sections.slices import slices
from flows.report.sections.swarm import swarm
from flows.report.sections.trust import trust
from flows.report.sections.upsampling import upsampling
from flows.report.sections.verdict import verdict
from flows.report.sections.why import why

ORDER = (verdict, mix, scores, why, slices, others, trust, swarm, corpus, upsampling, cost, lineage)


def sections_of(findings: Findings) -> list[Section]:
    """The sections that there is something to show in."""
    sections = (make(findings) for make in ORDER)
    return [section for section in sections if section is not None]
