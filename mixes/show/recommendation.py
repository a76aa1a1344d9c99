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

RANKABLE = 3  # least spread over mixes ÷ noise at which a rank correlation over mixes says something of a law
NAMED = 5  # tasks that are named where a list would be long
AGAINST = "Against the checkpoint that training starts from (above 0 is forgotten)"
WORDS = {"better": "better", "not_distinguishable": "not distinguishable", "worse": "worse"}


@dataclass(frozen=True)
class Shown:
    """Unit and direction of the scores that are printed."""

    unit: str = "bpb"
    direction: Direction = "lower"

    @property
    def title(self) -> str:
        """Title of the table of scores."""
        return f"Predicted {'bits per byte' if self.unit == 'bpb' else self.unit} ({self.direction} is better)"


def print_recommendation(recommendation: Recommendation, console: Console, shown: Shown) -> None:
    """The mix, the predicted scores, the verdict."""
    mix = Table(title="Recommended mix", box=box.SIMPLE_HEAD, title_justify="left")
    scores = Table(title=shown.title, box=box.SIMPLE_HEAD, title_justify="left")
    tables = [(mix, _mix_rows(recommendation, shown)), (scores, _score_rows(recommendation, shown))]
    if recommendation.forgotten:
        against = Table(title=AGAINST, box=box.SIMPLE_HEAD, title_justify="left")
        tables.append((against, _forgotten_rows(recommendation, shown)))
    if recommendation.front:
        title = "Pareto front: no mix is better for one family without being worse for another"
        tables.append(
            (Table(title=title, box=box.SIMPLE_HEAD, title_justify="left"), _front_rows(recommendation, shown))
        )
    for table, (names, *rows) in tables:
        for name in names:
            left = name in ("domain", "family", "verdict", "mix")
            table.add_column(name, justify="left" if left else "right", no_wrap=name == "verdict", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print("\n".join(_words(recommendation, shown)), soft_wrap=True)


def recommendation_markdown(recommendation: Recommendation) -> str:
    """The same as markdown tables."""
    shown = [_mix_rows, _score_rows] + ([_forgotten_rows] if recommendation.forgotten else [])
    tables = (_markdown(rows(recommendation, Shown())) for rows in shown)
    return "\n\n".join([f"# {recommendation.id}", *tables, *_words(recommendation, Shown())])


def print_checked_law(checked: CheckedLaw, metrics: Mapping[str, Metric], console: Console) -> None:
    """Rank correlation by metric, and their mean."""
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
        line += f"; the mix that is predicted best scores {checked.regret:.4f} {unit} worse than the best one"
    console.print(line + ".")


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _mix_rows(recommendation: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and one row per domain; epochs where tokens are known."""
    rows = [["domain", recommendation.reference, "recommended", "90 % interval", "ratio", "epochs"]]
    for domain, weight in sorted(recommendation.mix.items(), key=lambda pair: -pair[1]):
        low, high = recommendation.intervals[domain]
        natural = recommendation.natural[domain]
        ratio = f"{weight / natural:.2f}×" if natural else "–"
        row = [domain, f"{natural:.1%}", f"{weight:.1%}", f"{low:.1%} – {high:.1%}", ratio]
        if recommendation.epochs:
            row.append(f"{recommendation.epochs[domain]:.2f}{' (cap)' if domain in recommendation.caps else ''}")
        rows.append(row)
    return [row[: len(rows[-1])] for row in rows]


def _score_rows(recommendation: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and one row per family."""
    scores = [recommendation.reference, "uniform", "recommended"]
    rows = [["family", *scores, "gain", "90 % interval", "chance", "noise", "verdict"]]
    for name, verdict in recommendation.verdict.items():
        row = recommendation.predicted[name]
        rows.append(
            [
                name, f"{row.natural:.3f}", f"{row.uniform:.3f}", f"{row.mix:.3f}", f"{row.gain:+.3f}",
                f"{row.gain_low:+.3f} – {row.gain_high:+.3f}", f"{row.chance:.0%}", f"{row.noise:.3f}", WORDS[verdict],
            ]
        )  # fmt: skip
    return rows


def _forgotten_rows(recommendation: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and one row per family; the column `keep` only where a family has a floor."""
    rows = [["family", "checkpoint", "recommended", "forgotten", "90 % interval", "keep"]]
    for name in recommendation.verdict:
        row = recommendation.forgotten[name]
        kept = "" if row.floor is None else f"≤ {row.floor:+.3f}"
        interval = f"{row.low:+.3f} – {row.high:+.3f}"
        rows.append(
            [name, f"{row.checkpoint:.3f}", f"{row.checkpoint + row.value:.3f}", f"{row.value:+.3f}", interval, kept]
        )
    return rows if any(row[-1] for row in rows[1:]) else [row[:-1] for row in rows]


def _words(recommendation: Recommendation, shown: Shown) -> list[str]:
    """The verdict, the laws' held-out quality, the cautions, and what was asked."""
    target, standardised = recommendation.predicted[OVERALL], recommendation.standardised
    unit = shown.unit if standardised is None else f"× {standardised}"
    lines = [
        recommendation.summary[:1].upper() + recommendation.summary[1:] + ".",
        f"Predicted gain on the target: {target.gain:+.3f} {unit} (90 % interval {target.gain_low:+.3f} to "
        f"{target.gain_high:+.3f}); {target.optimism:.3f} is already taken off for the laws' optimism. "
        f"{_noise(recommendation, target.noise)}",
        _laws(recommendation, shown),
    ]
    if recommendation.forgotten:
        lines.append(_forgotten(recommendation, shown))
    if recommendation.gap is None:
        lines.append("The mix was found by a search, because a law is not convex; there may be a better one.")
    lines += [f"Caution: {caution.text}." for caution in recommendation.cautions]
    if recommendation.epochs:
        limit = f"at most {recommendation.max_epochs:g} epochs per domain"
        lines.append(f"Budget {recommendation.budget:,.0f} tokens, {limit}. Id {recommendation.id}.")
    else:
        lines.append(
            "Gains are counted from the swarm's centre, the mean of its mixes. Without --tokens the natural mix is not "
            f"known: nothing pulls the mix to it, and no epochs are counted. Id {recommendation.id}."
        )
    return lines


def _forgotten(recommendation: Recommendation, shown: Shown) -> str:
    """Which tasks score worse than the checkpoint even at the better end of their interval."""
    tasks = {task: recommendation.forgotten[task] for task in recommendation.law}
    lost = sorted((row.low, task) for task, row in tasks.items() if row.low > 0)[::-1]
    if not lost:
        return f"Predicted to be forgotten (whole 90 % interval above 0): none of {len(tasks)} tasks."
    named = ", ".join(f"{task} {tasks[task].value:+.3f}" for _, task in lost[:NAMED])
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    return (
        f"Predicted to be forgotten (whole 90 % interval above 0): {len(lost)} of {len(tasks)} tasks, {named}{more} "
        f"{shown.unit}."
    )


def _noise(recommendation: Recommendation, noise: float) -> str:
    differ = "Two proxies of equally good mixes differ by"
    if recommendation.noise_from == "replicates":
        return f"{differ} {noise:.3f} (standard deviation)."
    return f"{differ} at most {noise:.3f}, which is what the laws leave unexplained: no mix has two seeds."


def _laws(recommendation: Recommendation, shown: Shown) -> str:
    names = [law.name for law in recommendation.law.values()]
    used = ", ".join(f"{name} {names.count(name)}" for name in sorted(set(names)))
    rankable = [law for law in recommendation.law.values() if law.spread >= RANKABLE * law.noise]
    line = f"Laws, by number of tasks: {used}."
    if rankable:
        error = sum(law.error for law in rankable) / len(rankable)
        rank = sum(law.rank_correlation for law in rankable) / len(rankable)
        line += (
            f" Held-out error {error:.3f} {shown.unit}, held-out rank correlation {rank:.2f}: means over the "
            f"{len(rankable)} of {len(names)} tasks whose spread over mixes is at least {RANKABLE} times their noise."
        )
    precision = sum(law.precision for law in recommendation.law.values()) / len(names)
    if precision >= 1.05:
        line += f" The mix with the most seeds counts as much as {precision:.1f} single runs."
    return line


def _front_rows(recommendation: Recommendation, shown: Shown) -> list[list[str]]:
    """A head, and one row per mix of the front: its predicted scores by family, its largest weights."""
    families = list(recommendation.front[0].predicted)
    rows = [[*families, "mix"]]
    for point in recommendation.front:
        largest = sorted(point.mix.items(), key=lambda pair: -pair[1])[:3]
        weights = ", ".join(f"{domain} {weight:.0%}" for domain, weight in largest)
        rows.append([*(f"{point.predicted[family]:.3f}" for family in families), weights])
    return rows
