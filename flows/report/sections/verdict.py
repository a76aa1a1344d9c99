"""What to train on, in one paragraph, and the answers that people ask for first."""

from collections import Counter

import polars as pl

from flows.report.findings import Findings, shown
from flows.report.html import Section, prose, text
from flows.report.limits import binding_limits, kept_in_words, kept_of_sources
from flows.report.sections.evidence import what_counts, what_it_rests_on
from flows.report.sections.glossary import glossary
from flows.report.sections.next_step import next_step
from flows.report.sections.simple_mixes import forbidden
from flows.report.words import amount, closed, interval, listed, percent, signed, thousandths
from mixes.certainty.intervals import ON_BOUND
from mixes.explain.health import Status
from mixes.show.beside import caps_words
from mixes.target import OVERALL

NAMED = 4  # domains that a line names
LARGEST = 6  # domains of which the weight is stated
MOVED = 0.005  # share of the tokens that a domain must have, or by which it must change, to be named
NOTHING = 5e-4  # share of the tokens that rounds to zero
BADGES: tuple[Status, ...] = ("green", "amber", "red")


def verdict(findings: Findings) -> Section:
    """The verdict and what it counts, then what to train on, how sure that is, what gets worse, what limits it, whether
    to trust it, what to do next."""
    answers = {
        "What counts": text(what_counts(findings)),
        "Train on": text(_mix(findings)),
        "What changes": text(_changes(findings)),
        "How sure": text(_gain(findings)),
        "What gets worse": text(f"{_worse(findings)} {_ahead(findings)}"),
        "What limits it": text(_limits(findings)),
        "Can I trust it": _health(findings),
        "What it rests on": prose(what_it_rests_on(findings)),
        "What next": prose(next_step(findings)),
    }
    lines = "".join(f"<dt>{text(name)}</dt><dd>{answer}</dd>" for name, answer in answers.items())
    lead = f'<p class="lead">{text(closed(findings.recommendation.summary))}</p>'
    return Section("verdict", "What should I train on?", [lead, f"<dl>{lines}</dl>", glossary(findings)])


def _mix(findings: Findings) -> str:
    """The largest weights, and the sum of the others."""
    ranked = sorted(findings.recommendation.mix.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [pair for pair in ranked[:LARGEST] if pair[1] > MOVED] or ranked[:1]
    parts = [f"{percent(weight)} {shown(name)}" for name, weight in named]
    if others := ranked[len(named) :]:
        rest = sum(weight for _, weight in others)
        count = f"{len(others)} other domain{'s' * (len(others) > 1)}"
        parts.append(f"{percent(rest)} in {count}" if rest > NOTHING else f"nothing in {count}")
    return f"{', '.join(parts)} (shares of tokens)."


def _changes(findings: Findings) -> str:
    """The largest weights that rise and fall for sure, and those of which the interval includes the natural share."""
    recommendation = findings.recommendation
    mix, natural, ends = recommendation.mix, recommendation.natural, recommendation.intervals
    moves = sorted(mix, key=lambda name: (natural[name] - mix[name], name))
    more = [name for name in moves if mix[name] - natural[name] > MOVED and ends[name][0] > natural[name]]
    less = [name for name in moves[::-1] if natural[name] - mix[name] > MOVED and ends[name][1] < natural[name]]
    undecided = sorted(
        (name for name in moves if abs(mix[name] - natural[name]) > ON_BOUND
         and ends[name][0] <= natural[name] <= ends[name][1]),
        key=lambda name: (-abs(mix[name] - natural[name]), name),
    )  # fmt: skip

    def named(names: list[str]) -> str:
        parts = [f"{shown(name)} ({percent(natural[name])} → {percent(mix[name])})" for name in names]
        return listed(parts, NAMED)

    sides = [f"{word} {named(names)}" for word, names in (("more", more), ("less", less)) if names]
    words = [f"Against {findings.reference}: {'; '.join(sides)}." if sides else _no_change(findings, bool(undecided))]
    if undecided:
        rest = "so it may stay there" if len(undecided) == 1 else "so any one of them may stay there"
        words.append(
            f"Undecided: {named(undecided)}; the {findings.coverage} interval{' of each' * (len(undecided) > 1)} "
            f"includes the share in {findings.reference}, {rest}."
        )
    return " ".join(words)


def _no_change(findings: Findings, undecided: bool) -> str:
    if undecided:
        return "No weight changes for sure."
    return f"Next to nothing: it is {findings.reference}."


def _gain(findings: Findings) -> str:
    target, unit = findings.recommendation.predicted[OVERALL], findings.unit(OVERALL)
    chance = "over 99%" if target.chance > 0.99 else "under 1%" if target.chance < 0.01 else f"{target.chance:.0%}"
    return (
        f"The target is predicted to gain {signed(target.gain)} {unit} over {findings.reference}, with a "
        f"{findings.coverage} interval from {interval(target.gain_low, target.gain_high)}. The chance that "
        f"it gains at all is {chance}, if the laws hold. By chance alone, two proxies of equally good mixes differ by "
        f"{target.noise:.3f} {unit} (one standard deviation).{_left_out(findings)}{_measured(findings)}"
    )


def _left_out(findings: Findings) -> str:
    """Tasks that the target does not count."""
    inside = {task for tasks in findings.recommendation.families.values() for task in tasks}
    if names := [shown(task) for task in findings.problem.fitted.runs.tasks if task not in inside]:
        return f" The target does not count {listed(names)}: no mix moves them by twice their noise."
    return ""


def _measured(findings: Findings) -> str:
    """What the target gained when the mix was trained anew."""
    if findings.measured is None:
        return " Nothing was trained on this mix yet."
    row = findings.measured.row(by_predicate=pl.col("name") == OVERALL, named=True)
    ends = interval(row["gain_low"], row["gain_high"])
    return f" Trained anew at {row['size']} with {row['seeds']} seeds, it gained {signed(row['gain'])} bpb ({ends})."


def _worse(findings: Findings) -> str:
    """Families and tasks that lose, even at the better end of their interval."""
    predicted = findings.recommendation.predicted
    lost = sorted((row.gain, name) for name, row in predicted.items() if name != OVERALL and row.gain_high < 0)
    if not lost:
        return f"Nothing for sure: of no family or task does the whole {findings.coverage} interval lie below zero."
    families = [name for _, name in lost if name in findings.recommendation.families]
    tasks = [name for _, name in lost if name not in families]
    count = len(findings.problem.fitted.runs.tasks)
    of_families = _with_gains(findings, families) if families else "no family"
    of_tasks = f"{len(tasks)} of {count} tasks, {_with_gains(findings, tasks)}" if tasks else "no single task"
    return (
        f"Worse with their whole {findings.coverage} interval: {of_families}; {of_tasks}. The table of all tasks has "
        "every gain."
    )


def _ahead(findings: Findings) -> str:
    """Where a simple mix is predicted to do better by more than noise; empty where none does."""
    return " ".join(
        f"On {'the target' if row.aim == OVERALL else shown(row.aim)}, {row.baseline.name} is predicted to be "
        f"{row.by:.3f} {findings.unit(row.aim)} ({row.low:.3f} to {row.high:.3f}) better than this mix"
        f"{forbidden(row.baseline)}."
        for row in findings.ahead[:NAMED]
    )


def _with_gains(findings: Findings, names: list[str]) -> str:
    predicted = findings.recommendation.predicted
    return listed([f"{shown(name)} ({signed(predicted[name].gain)} {findings.unit(name)})" for name in names])


def _limits(findings: Findings) -> str:
    recommendation, limits = findings.recommendation, binding_limits(findings)
    caps = sorted(recommendation.caps.items(), key=lambda pair: (-pair[1], pair[0]))
    capped = [f"{percent(cap)} {shown(name)}" for name, cap in caps]
    words = []
    if recommendation.budget and recommendation.epochs:
        repeats = f"{recommendation.max_epochs:g} time{'s' * (recommendation.max_epochs != 1)}"
        words.append(f"The budget is {amount(recommendation.budget)} tokens, and a domain may repeat {repeats}.")
    words.append(f"At {'that limit' if words else 'their caps'}: {listed(capped, 6)}." if capped else
                 "No domain is as large as it may be.")  # fmt: skip
    words += [f"Also, {limit.words}." for limit in limits if len(limit.domains) != 1]
    words.append(caps_words(findings.compared, findings.unit(OVERALL)))
    if limits and not findings.problem.question.settings.limits.closest and limits[0].price > 0:
        gain = thousandths(limits[0].price, findings.unit(OVERALL))
        words.append(f"Of small steps, {limits[0].more} would gain most: {gain}.")
    words.append(kept_in_words(kept_of_sources(findings, tuple(recommendation.caps))))
    return " ".join(word for word in words if word)


def _health(findings: Findings) -> str:
    counts = Counter(check.status for check in findings.checks)
    badges = " ".join(f'<span class="badge {kind}">{counts[kind]} {kind}</span>' for kind in BADGES)
    named = []
    for kind in ("red", "amber"):
        if names := [check.name.lower() for check in findings.checks if check.status == kind]:
            named.append(f"{kind}: {listed(names, len(names))}")
    line = f" ({'; '.join(named)})" if named else ""
    return f'Health checks: {badges}{text(line)}. <a href="#trust">What they say</a>.'
