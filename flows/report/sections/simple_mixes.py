"""Simple mixes beside the recommendation, in words and in tables."""

from flows.report.findings import Findings, shown
from flows.report.words import interval, listed, signed
from mixes.recommendation.baselines import UNIMAX, Baseline


def forbidden(baseline: Baseline) -> str:
    """Why the limits forbid a mix, to end a sentence; empty where they do not."""
    if baseline.allowed:
        return ""
    if baseline.too_often is None:
        return "; but the limits forbid it"
    domain, times = baseline.too_often
    return f"; but it repeats {shown(domain)} {_times(times)} times, which the limits forbid"


def simple_note(findings: Findings) -> str:
    """What the simple mixes are, and which of them break the limits."""
    names = [baseline.name for baseline in findings.simple]
    words = []
    if UNIMAX in names:
        words.append(f"{UNIMAX} is as even as the epochs allow.")
    elif findings.problem.question.holdings.available:
        words.append(f"{UNIMAX} (as even as the epochs allow) is uniform here.")
    else:
        words.append(f"Tokens by domain are unknown, so there is no {UNIMAX} (as even as the epochs allow).")
    if findings.problem.question.holdings.natural is None:
        words.append("The natural mix is unknown, so it cannot be made more even.")
    else:
        words.append("natural^0.5 has shares in proportion to the root of natural's.")
    words.append(
        "The scores of these mixes are what the laws say. Only the recommended mix's are corrected, because it was "
        "chosen for the scores that the laws give it (“Optimism” below)."
    )
    if broken := [baseline for baseline in findings.simple if not baseline.allowed]:
        words.append(f"Hollow marks break the limits: {_repeats(broken)}.")
    if set(findings.domains) != set(findings.recommendation.mix):
        words.append("Reused domains count as one here.")
    return " ".join(words)


def _repeats(broken: list[Baseline]) -> str:
    """Mixes that break limits; where it is by one domain's epochs, how often they repeat it."""
    often = [baseline.too_often for baseline in broken]
    if len({row[0] if row else None for row in often}) == 1 and often[0]:
        times = listed(
            [f"{_times(row[1])} ({baseline.name})" for row, baseline in zip(often, broken, strict=True) if row]
        )
        return f"they repeat {shown(often[0][0])} {times} times"
    return listed([baseline.name for baseline in broken])


def _times(repeats: float) -> str:
    return f"{repeats:.0f}" if repeats >= 10 else f"{repeats:.1f}"


def simple_rows(findings: Findings, aims: list[str]) -> list[list[str]]:
    """One row per aim and simple mix."""
    rows = [["family", "mix", "predicted", "gain", f"{findings.coverage} interval", "repeats at most"]]
    for aim in aims:
        natural = findings.recommendation.predicted[aim].natural
        for baseline, gain in zip(findings.simple, findings.simple_gains[aim], strict=True):
            score = natural + (gain.value if findings.higher(aim) else -gain.value)
            repeats = "–" if baseline.repeats is None else f"{baseline.repeats:.3g}×"
            rows.append(
                [shown(aim), baseline.name, f"{score:.3f}", signed(gain.value),
                 interval(gain.low, gain.high), repeats]
            )  # fmt: skip
    return rows
