"""What to train on, in one paragraph, and how far to trust it."""

from collections import Counter

from flows.report.findings import Findings, shown
from flows.report.html import Section, paragraph, text
from flows.report.words import amount, listed, percent, signed
from mixes.explain.health import Status
from mixes.target import OVERALL

NAMED = 4  # domains that the paragraph names
BADGES: tuple[Status, ...] = ("green", "amber", "red")


def verdict(findings: Findings) -> Section:
    """The verdict, the largest changes, what gets worse, what limits it."""
    sentences = [findings.recommendation.summary, _gain(findings), _changes(findings), _worse(findings)]
    sentences.append(_limits(findings))
    parts = [
        f'<p class="lead">{text(sentences[0])}</p>',
        paragraph(" ".join(sentence for sentence in sentences[1:] if sentence)),
        _health(findings),
    ]
    return Section("verdict", "What should I train on?", [*parts])


def _gain(findings: Findings) -> str:
    target, unit = findings.recommendation.predicted[OVERALL], findings.unit(OVERALL)
    return (
        f"The target is predicted to improve by {signed(target.gain)} {unit} over {findings.reference} "
        f"({findings.coverage} interval {signed(target.gain_low)} to {signed(target.gain_high)}); two proxies of "
        f"equally good mixes differ by {target.noise:.3f} {unit} by chance."
    )


def _changes(findings: Findings) -> str:
    """The largest weights that rise, and those that fall."""
    mix, natural = findings.recommendation.mix, findings.recommendation.natural
    moves = sorted(mix, key=lambda name: natural[name] - mix[name])
    more = [name for name in moves[:NAMED] if mix[name] - natural[name] > 0.005]
    less = [name for name in moves[::-1][:NAMED] if natural[name] - mix[name] > 0.005]
    sides = [
        f"{word} {listed([f'{shown(name)} ({percent(natural[name])} → {percent(mix[name])})' for name in names])}"
        for word, names in (("more", more), ("less", less))
        if names
    ]
    return f"Against {findings.reference} take {'; take '.join(sides)}." if sides else ""


def _worse(findings: Findings) -> str:
    """Families and tasks that lose, even at the better end of their interval."""
    predicted = findings.recommendation.predicted
    lost = sorted((row.gain, name) for name, row in predicted.items() if name != OVERALL and row.gain_high < 0)
    families = [name for _, name in lost if name in findings.recommendation.families]
    tasks = [name for _, name in lost if name not in families]
    if not lost:
        return f"No family or task is predicted to get worse with its whole {findings.coverage} interval."
    named = [f"{shown(name)} ({signed(predicted[name].gain)} {findings.unit(name)})" for name in (*families, *tasks)]
    return f"Predicted to get worse, with the whole {findings.coverage} interval: {listed(named)}."


def _limits(findings: Findings) -> str:
    recommendation = findings.recommendation
    capped = [
        f"{shown(name)} at {percent(cap)}"
        for name, cap in sorted(recommendation.caps.items(), key=lambda pair: -pair[1])
    ]
    budget = ""
    if recommendation.budget and recommendation.epochs:
        budget = f"The budget is {amount(recommendation.budget)} tokens, and a domain may repeat "
        budget += f"{recommendation.max_epochs:g} times. "
    if not capped:
        return f"{budget}No domain is on its cap."
    return f"{budget}On {'its cap' if len(capped) == 1 else 'their caps'}: {listed(capped)}."


def _health(findings: Findings) -> str:
    counts = Counter(check.status for check in findings.checks)
    badges = "".join(f'<span class="badge {kind}">{counts[kind]} {kind}</span> ' for kind in BADGES)
    doubts = [check for check in findings.checks if check.status == "red"]
    line = f" Red: {listed([check.name.lower() for check in doubts])}." if doubts else ""
    return f'<p>Health checks: {badges}<a href="#trust">what they say</a>.{text(line)}</p>'
