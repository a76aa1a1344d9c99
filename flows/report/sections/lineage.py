"""What the answer rests on: hashes, versions, seeds, the command."""

from flows.report.corpus_tables import CorpusTables
from flows.report.findings import Findings
from flows.report.html import Section, folded, paragraph, table

LONGEST = 24  # characters of a hash


def lineage(findings: Findings) -> Section:
    """One table, and the longer ones folded."""
    rows = [["what", "value"], *([name, value] for name, value in findings.lineage.items())]
    parts = [table(rows, words=2)]
    if findings.contents:
        contents = [[name, value.lstrip("0")[:LONGEST]] for name, value in findings.contents.items()]
        parts.append(folded("Table: what each domain held", table([["domain", "hash of its content"], *contents], 2)))
    if findings.corpus is None:
        parts.append(
            paragraph("This swarm came from files: there is no corpus, no funnel and no cost of it to show.", "note")
        )
    elif not findings.corpus.lineage.is_empty():
        parts.append(_stages(findings.corpus))
    return Section("lineage", "What does this rest on?", [*parts])


def _stages(tables: CorpusTables) -> str:
    rows = [["stage", "made from"]]
    for name, frame in tables.lineage.group_by("stage", maintain_order=True):
        rows.append([str(name[0]), ", ".join(given[:LONGEST] for given in frame["input"].to_list())])
    return folded("Table: which stage was made from which", table(rows, words=2))
