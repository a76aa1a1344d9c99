"""What the answer rests on, in sentences: what the target counts, what the proxies were, how far that carries."""

from collections import Counter

import numpy as np

from flows.report.corpus_tables import CorpusTables
from flows.report.findings import Findings, shown
from flows.report.words import amount, closed, counted, listed, percent
from mixes.explain.trade_offs import share_moved
from mixes.target import OVERALL

NAMED = 6  # families or sizes that a line names
SAME = 1e-3  # share of the tokens; a tried mix that differs less from natural is natural


def what_counts(findings: Findings) -> str:
    """The families that the target counts, their weights, and the unit."""
    target, families = findings.problem.target, findings.problem.question.families
    shares = {name: [target[task] for task, of in families.items() if of == name and target.get(task)]
              for name in findings.families}  # fmt: skip
    shares = {name: weights for name, weights in shares.items() if weights}
    total = sum(sum(weights) for weights in shares.values())
    parts = [f"{percent(sum(weights) / total)} {shown(name)} ({counted(len(weights), 'task')})"
             for name, weights in shares.items()]  # fmt: skip
    if len(parts) == 1:
        (only,) = shares
        line = f"The target is {shown(only)} ({counted(len(shares[only]), 'task')})."
    else:
        line = f"The target is {listed(parts, NAMED)}."
        if all(np.ptp(weights) < 1e-9 * total for weights in shares.values()):
            line += " Within a family every task counts the same."
    if ignored := [shown(name) for name in findings.families if name not in shares]:
        line += f" It does not count {listed(ignored, NAMED)}."
    unit = {"bpb": "bits per byte (bpb)"}.get(findings.unit(OVERALL), findings.unit(OVERALL))
    return f"{line} Scores are {unit}; {findings.better(OVERALL)}."


def what_it_rests_on(findings: Findings) -> str:
    """The proxies, whether natural is one of their mixes, and what is not known of the real run."""
    return " ".join([_proxies(findings), _natural(findings), _carries_over(findings)])


def _proxies(findings: Findings) -> str:
    """How many proxies there are, of which size, and how often they repeated a domain."""
    runs, tables = findings.problem.fitted.runs, findings.corpus
    count = f"{counted(len(runs), 'small model')} (proxies)"
    if tables is not None and not tables.runs.is_empty():
        sizes = tables.runs.select("size", "parameters", "tokens").unique(maintain_order=True)
        words = [f"{amount(row[1])} parameters ({row[0]}) on {amount(row[2])} tokens" for row in sizes.iter_rows()]
        line = f"{count} of {listed(words, NAMED)} each."
        if (most := _most_epochs(findings)) is not None:
            line += (
                f" The tried mix that repeats most went {most:.1f} times through a domain of the pool."
                if most > 1
                else " No tried mix repeats a domain of the pool."
            )
        return line
    if sizes_known := [size for size in runs.sizes if size is not None]:
        words = [f"{amount(size.parameters)} parameters" + (f" on {amount(size.tokens)} tokens" if size.tokens else "")
                 for size in sizes_known]  # fmt: skip
        return f"{count} of {listed(words, NAMED)}. How often they repeated a domain is not known."
    return (
        f"{count}. Their size is not in the files: columns `parameters` and `tokens` in the table of mixes would say "
        "it. How often they repeated a domain is not known either."
    )


def _most_epochs(findings: Findings) -> float | None:
    """How often the tried mixes repeat a domain of the pool at most; None where its tokens or theirs are unknown."""
    tables = findings.corpus
    if tables is None or tables.runs.is_empty() or tables.domains.is_empty():
        return None
    pool: Counter[str] = Counter()
    for row in tables.domains.iter_rows(named=True):
        pool[row["domain"]] += row["tokens"] or 0
    most = _most_tokens(findings, tables)
    repeats = [float(tokens) / pool[name] for name, tokens in zip(findings.domains, most, strict=True) if pool[name]]
    return max(repeats, default=None)


def _most_tokens(findings: Findings, tables: CorpusTables) -> np.ndarray:
    """(n_domains,) the most tokens of each domain that a run has read."""
    if findings.at is None:
        return findings.problem.tried.max(axis=0) * max(tables.runs["tokens"].to_list())
    runs = findings.problem.fitted.runs
    tokens = np.array([size.tokens if size else 0.0 for size in runs.sizes_of_runs])
    return (runs.weights() * tokens[:, None]).max(axis=0)


def _natural(findings: Findings) -> str:
    """Whether the mix that gains are counted from was trained, or is predicted as the recommended one is."""
    if findings.recommendation.reference != "natural":
        return (
            "The natural mix is not known, so gains are counted from the mean of the tried mixes, which is predicted."
        )
    away = float(share_moved(findings.problem.tried, findings.problem.reference).min())
    if away < SAME:
        return "Natural is one of the mixes that were trained; its score here is what the laws say all the same."
    return (
        f"Natural was never trained: its score is predicted too, and from the nearest trained mix {percent(away)} of "
        "its tokens differ."
    )


def _carries_over(findings: Findings) -> str:
    """What must hold for the answer to be right for the real run."""
    recommendation = findings.recommendation
    budget = f" of {amount(recommendation.budget)} tokens" if recommendation.budget and recommendation.epochs else ""
    line = "".join(
        closed(f"{caution.text[:1].upper()}{caution.text[1:]}.") + " "
        for caution in recommendation.cautions
        if caution.kind == "larger_size"
    )
    better = f"at {findings.at}" if findings.at else "for proxies"
    line += f"That the better mix {better} is also the better one for a real run"
    line += f"{budget} is assumed, not shown here"
    tried = _most_epochs(findings)
    if recommendation.epochs and recommendation.max_epochs > 1 and (tried is None or tried < recommendation.max_epochs):
        line += f", and so is that repeating a domain {recommendation.max_epochs:g} times does no harm"
    return f"{line}."
