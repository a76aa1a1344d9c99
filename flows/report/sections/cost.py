"""What the evidence cost: tokens, FLOPs and hours of the proxies."""

from flows.report.findings import Findings
from flows.report.html import Section, paragraph, table
from flows.report.words import amount, power

FLOPS = 6  # per parameter and token: two forward, four backward (Kaplan et al. 2020, arXiv 2001.08361)


def cost(findings: Findings) -> Section | None:
    """One row per size of proxy; nothing for a swarm from files."""
    if findings.corpus is None or findings.corpus.runs.is_empty():
        return None
    rows = [["proxy", "device", "proxies", "parameters", "tokens each", "tokens in all", "FLOPs", "hours"]]
    sizes = findings.corpus.runs.group_by("size", "device", "parameters", "tokens", maintain_order=True)
    for _, frame in sizes:
        row, count = frame.row(0, named=True), len(frame)
        parameters, tokens = float(row["parameters"]), float(row["tokens"])
        hours = float(frame["seconds"].sum()) / 3600
        rows.append(
            [row["size"], row["device"], f"{count:,}", amount(parameters), amount(tokens), amount(tokens * count),
             power(FLOPS * parameters * tokens * count), f"{hours:.2f}"]
        )  # fmt: skip
    line = f"FLOPs are {FLOPS} × parameters × tokens. Hours are those that the cohorts trained for."
    return Section("cost", "What did the evidence cost?", [table(rows, words=2), paragraph(line, "note")])
