"""The limits that bind, in plain words, and how much of its source each limited domain had left to give."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.report.findings import Findings, shown
from flows.report.words import listed, percent
from mixes.certainty.intervals import ON_BOUND
from mixes.optimum.bounds import AtMost, Bound


@dataclass(frozen=True)
class BindingLimit:
    """One limit that decides the mix."""

    words: str
    more: str  # what would loosen it, as `one percentage point more of code`
    domains: tuple[str, ...]  # that it bounds; empty for a limit on a score or a distance
    price: float  # what 0.01 more of it would gain


def binding_limits(findings: Findings) -> list[BindingLimit]:
    """The limits that bind, the costliest first."""
    limits = findings.problem.limits
    known: dict[str, Bound | AtMost] = {limit.name: limit for limit in limits.bounds}
    known |= {limit.name: limit for limit in limits.ceilings}
    prices = sorted(findings.recommendation.binding.items(), key=lambda pair: (-pair[1], pair[0]))
    return [_in_words(findings, name, known.get(name), price) for name, price in prices]


def kept_of_sources(findings: Findings, domains: tuple[str, ...]) -> dict[str, float]:
    """Source of these domains → share of its bytes that is in the pool; empty without a corpus."""
    if findings.corpus is None or findings.corpus.domains.is_empty():
        return {}
    kept = findings.corpus.kept
    sources = findings.corpus.domains.filter(findings.corpus.domains["domain"].is_in(domains))["source"].unique().sort()
    return {name: kept[name][1] / kept[name][0] for name in sources if name in kept and kept[name][0]}


def kept_in_words(shares: Mapping[str, float]) -> str:
    """One sentence on what came through the filters, the smallest share first; empty where nothing is known."""
    if not shares:
        return ""
    ranked = sorted(shares.items(), key=lambda pair: (pair[1], pair[0]))
    parts = listed([f"{percent(share)} of {shown(name)}" for name, share in ranked], 4)
    return f"Of the bytes of their sources, the corpus filters kept {parts}."


def _in_words(findings: Findings, name: str, limit: Bound | AtMost | None, price: float) -> BindingLimit:
    kind = name.partition(":")[0]
    if isinstance(limit, Bound):
        domains = limit.domains
        subject = shown(domains[0]) if len(domains) == 1 else f"the sum of {listed([shown(one) for one in domains])}"
        return BindingLimit(
            _bound(findings, kind, subject, limit), f"one percentage point more of {subject}", domains, price
        )
    if isinstance(limit, AtMost) and kind == "keep":
        aim = name.removeprefix("keep: ").rpartition(" ≤ ")[0]
        score = f"{(-limit.most if findings.higher(aim) else limit.most):.3f} {findings.unit(aim)}"
        return BindingLimit(
            f"{shown(aim)} may get no worse than {score}", f"0.01 more room for {shown(aim)}", (), price
        )
    if isinstance(limit, AtMost) and kind == "most_kl":
        words = f"the mix may be at most {limit.most:g} nats (Kullback–Leibler) from {findings.problem.called}"
        return BindingLimit(words, "0.01 nats more", (), price)
    return BindingLimit(shown(name), "0.01 more of it", (), price)


def _bound(findings: Findings, kind: str, subject: str, limit: Bound) -> str:
    """A bound on a weight, or on a sum of weights."""
    holdings, budget = findings.problem.question.holdings.available, findings.problem.question.budget
    if kind == "epochs" and holdings and budget:
        times = limit.high * budget / holdings[limit.domains[0]]
        epochs = f"{times:.3g} epoch{'s' * (round(times, 3) != 1)}"
        return f"{subject} is at its limit of {epochs}: {percent(limit.high)} of the mix at this budget"
    if kind == "cap":
        return f"{subject} is at its cap: {percent(limit.high)} of the mix"
    weight = float(findings.mix @ limit.members(findings.domains))
    if limit.low == limit.high:
        return f"{subject} must be {percent(limit.low)} of the mix"
    if weight - limit.low < ON_BOUND:
        return f"{subject} must be at least {percent(limit.low)} of the mix"
    return f"{subject} may be at most {percent(limit.high)} of the mix"
