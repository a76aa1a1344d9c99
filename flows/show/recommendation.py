"""A recommendation for people: the table in the terminal, and the same as markdown."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from mixes.laws.check import CheckedLaw
from mixes.recommendation.result import Recommendation
from mixes.tables.metrics import Direction, Metric
from mixes.target import OVERALL

CLEAR = 3  # spread over mixes ÷ noise at which a task says something about mixes
NAMED = 5  # tasks that are named where a list would be long
AGAINST = "Against the checkpoint that training starts from (above 0 is forgotten)"
WORDS = {"better": "better", "not_distinguishable": "not distinguishable", "worse": "worse"}


@dataclass(frozen=True)
class Shown:
    """What the numbers of a recommendation are called."""

    unit: str = "bpb"
    direction: Direction = "lower"

    @property
    def title(self) -> str:
        """Of the table of scores."""
        return f"Predicted {'bits per byte' if self.unit == 'bpb' else self.unit} ({self.direction} is better)"


def print_recommendation(found: Recommendation, console: Console, shown: Shown) -> None:
    """The mix, the predicted scores, the verdict."""
    mix = Table(title="Recommended mix", box=box.SIMPLE_HEAD, title_justify="left")
    scores = Table(title=shown.title, box=box.SIMPLE_HEAD, title_justify="left")
    tables = [(mix, _mix_rows(found, shown)), (scores, _score_rows(found, shown))]
    if found.forgotten:
        against = Table(title=AGAINST, box=box.SIMPLE_HEAD, title_justify="left")
        tables.append((against, _forgotten_rows(found, shown)))
    if found.front:
        title = "Pareto front: no mix is better for one family without being worse for another"
        tables.append((Table(title=title, box=box.SIMPLE_HEAD, title_justify="left"), _front_rows(found, shown)))
    for table, (names, *rows) in tables:
        for name in names:
            left = name in ("domain", "family", "verdict", "mix")
            table.add_column(name, justify="left" if left else "right", no_wrap=name == "verdict", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print("\n".join(_words(found, shown)), soft_wrap=True, highlight=False)


def recommendation_markdown(found: Recommendation) -> str:
    """The same as markdown tables."""
    shown = [_mix_rows, _score_rows] + ([_forgotten_rows] if found.forgotten else [])
    tables = (_markdown(rows(found, Shown())) for rows in shown)
    return "\n\n".join([f"# {found.id}", *tables, *_words(found, Shown())])


def print_checked_law(checked: CheckedLaw, metrics: Mapping[str, Metric], console: Console) -> None:
    """Rank correlation by metric, and what they come to."""
    table = Table(title=f"Law {checked.law}, fitted to {checked.runs} runs", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("metric")
    table.add_column("law")
    table.add_column("rank correlation", justify="right")
    for name, value in checked.spearman.items():
        table.add_row(name, checked.chosen[name], f"{value:.3f}")
    console.print(table)
    line = f"Mean rank correlation {checked.spearman_mean:.4f}, in {checked.seconds:.1f} s"
    if checked.regret is not None:
        unit = next(iter(metrics.values())).unit
        line += f"; the mix that is predicted best is {checked.regret:.4f} {unit} from the best"
    console.print(line + ".", highlight=False)


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _mix_rows(found: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and a row a domain; epochs where tokens are known."""
    rows = [["domain", found.reference, "recommended", "90 % interval", "ratio", "epochs"]]
    for domain, weight in sorted(found.mix.items(), key=lambda pair: -pair[1]):
        low, high = found.intervals[domain]
        natural = found.natural[domain]
        ratio = f"{weight / natural:.2f}×" if natural else "–"
        row = [domain, f"{natural:.1%}", f"{weight:.1%}", f"{low:.1%} – {high:.1%}", ratio]
        if found.epochs:
            row.append(f"{found.epochs[domain]:.2f}{' (cap)' if domain in found.caps else ''}")
        rows.append(row)
    return [row[: len(rows[-1])] for row in rows]


def _score_rows(found: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and a row a family."""
    rows = [
        ["family", found.reference, "uniform", "recommended", "gain", "90 % interval", "chance", "noise", "verdict"]
    ]
    for name, said in found.verdict.items():
        p = found.predicted[name]
        rows.append(
            [
                name, f"{p.natural:.3f}", f"{p.uniform:.3f}", f"{p.mix:.3f}", f"{p.gain:+.3f}",
                f"{p.gain_low:+.3f} – {p.gain_high:+.3f}", f"{p.chance:.0%}", f"{p.noise:.3f}", WORDS[said],
            ]
        )  # fmt: skip
    return rows


def _forgotten_rows(found: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and a row a family; what `keep` allows where it says so of one."""
    rows = [["family", "checkpoint", "recommended", "forgotten", "90 % interval", "keep"]]
    for name in found.verdict:
        row = found.forgotten[name]
        kept = "" if row.floor is None else f"≤ {row.floor:+.3f}"
        interval = f"{row.low:+.3f} – {row.high:+.3f}"
        rows.append(
            [name, f"{row.checkpoint:.3f}", f"{row.checkpoint + row.value:.3f}", f"{row.value:+.3f}", interval, kept]
        )
    return rows if any(row[-1] for row in rows[1:]) else [row[:-1] for row in rows]


def _words(found: Recommendation, shown: Shown) -> list[str]:
    """The verdict, the law's held-out quality, what to beware of, and what was asked."""
    p, unit = found.predicted[OVERALL], shown.unit if found.standardised is None else f"× {found.standardised}"
    lines = [
        found.summary[:1].upper() + found.summary[1:] + ".",
        f"On the target a gain of {p.gain:+.3f} {unit} (90 % interval {p.gain_low:+.3f} to {p.gain_high:+.3f}; "
        f"the laws' optimism of {p.optimism:.3f} is taken off); two proxies of equal mixes differ by {p.noise:.3f}"
        f"{_source(found)}.",
        _laws(found, shown),
    ]
    if found.forgotten:
        lines.append(_forgotten(found, shown))
    if found.gap is None:
        lines.append("The mix was searched for, since a law is not convex: there may be a better one.")
    lines += [f"Caution: {one.text}." for one in found.cautions]
    if found.epochs:
        lines.append(f"Budget {found.budget:,.0f} tokens, at most {found.max_epochs:g} epochs a domain. Id {found.id}.")
    else:
        lines.append(
            "Compared with the swarm's centre, the mean of its mixes: without --tokens the natural mix is not known, "
            f"nothing pulls to it and no epochs are counted. Id {found.id}."
        )
    return lines


def _forgotten(found: Recommendation, shown: Shown) -> str:
    """Which tasks are worse than the checkpoint's own even at the better end of their interval."""
    tasks = {task: found.forgotten[task] for task in found.law}
    lost = sorted((row.low, task) for task, row in tasks.items() if row.low > 0)[::-1]
    if not lost:
        return f"No task of {len(tasks)} is predicted to be forgotten over its whole 90 % interval."
    named = ", ".join(f"{task} {tasks[task].value:+.3f}" for _, task in lost[:NAMED])
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    return (
        f"Predicted to be forgotten over their whole 90 % interval: {len(lost)} of {len(tasks)} tasks, {named}{more} "
        f"{shown.unit}."
    )


def _source(found: Recommendation) -> str:
    if found.noise_from == "replicates":
        return ""
    return " at most (no mix has two seeds, so that is what the laws leave unexplained)"


def _laws(found: Recommendation, shown: Shown) -> str:
    names = [law.name for law in found.law.values()]
    used = ", ".join(f"{name} on {names.count(name)}" for name in sorted(set(names)))
    clear = [law for law in found.law.values() if law.spread >= CLEAR * law.noise]
    line = f"Laws: {used} tasks."
    if clear:
        error = sum(law.error for law in clear) / len(clear)
        rank = sum(law.rank_correlation for law in clear) / len(clear)
        line += (
            f" Held-out error {error:.3f} {shown.unit}, held-out rank correlation {rank:.2f}: means over the "
            f"{len(clear)} of {len(names)} tasks whose spread over mixes is at least {CLEAR} times their noise."
        )
    precision = sum(law.precision for law in found.law.values()) / len(names)
    if precision >= 1.05:
        line += f" The mix of most seeds counts {precision:.1f} times a single run."
    return line


def _front_rows(found: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and a row a mix of the front: its predicted scores by family, its largest weights."""
    families = list(found.front[0].predicted)
    rows = [[*families, "mix"]]
    for one in found.front:
        largest = sorted(one.mix.items(), key=lambda pair: -pair[1])[:3]
        said = ", ".join(f"{domain} {weight:.0%}" for domain, weight in largest)
        rows.append([*(f"{one.predicted[family]:.3f}" for family in families), said])
    return rows
