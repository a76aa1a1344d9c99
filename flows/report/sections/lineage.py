"""What the answer rests on: hashes, versions, seeds, the command."""

from flows.report.corpus_tables import CorpusTables
from flows.report.findings import Findings
from flows.report.html import Section, folded, paragraph, table

LONGEST = 24  # characters of a hash
LAWS = {
    "linear": "a weighted sum of the shares",
    "log_linear": "a constant plus an exponential of a weighted sum of the shares",
    "bimix": "a constant plus a power of a weighted sum of the shares: more of a useful domain helps ever less",
    "transfer": "as bimix, but each domain helps by a power of its share that is its own",
    "gp": "a smooth surface through the scores without a formula (a Gaussian process)",
    "lightgbm": "many small decision trees",
}


def lineage(findings: Findings) -> Section:
    """One table, and the longer ones folded."""
    rows = [["what", "value"], *([name, value] for name, value in findings.lineage.items())]
    parts = [table(rows, words=2), paragraph(f"The laws: {'; '.join(_laws(findings))}.", "note")]
    if findings.contents:
        contents = [[name, value.lstrip("0")[:LONGEST]] for name, value in findings.contents.items()]
        parts.append(folded("Table: what each domain held", table([["domain", "hash of its content"], *contents], 2)))
    if findings.corpus is None:
        parts.append(
            paragraph(
                "This swarm came from files, so the page cannot show where its documents came from, which of them were "
                "dropped, or what the proxies cost.",
                "note",
            )
        )
    elif not findings.corpus.lineage.is_empty():
        parts.append(_stages(findings.corpus))
    return Section("lineage", "What does this rest on?", [*parts])


def _laws(findings: Findings) -> list[str]:
    """What the laws that tasks have are, in words."""
    used = {law.name for law in findings.recommendation.law.values()}
    return [f"{name} is {words}" for name, words in LAWS.items() if name in used]


def _stages(tables: CorpusTables) -> str:
    rows = [["stage", "made from"]]
    for name, frame in tables.lineage.group_by("stage", maintain_order=True):
        rows.append([str(name[0]), ", ".join(given[:LONGEST] for given in frame["input"].to_list())])
    return folded("Table: which stage was made from which", table(rows, words=2))
