"""A recommendation for people: the table in the terminal, and the same as markdown."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from mixes.laws.check import CheckedLaw
from mixes.recommendation.result import Predicted, Recommendation
from mixes.show.beside import beside_table, beside_words, share, signed
from mixes.show.console import plain_console
from mixes.show.markdown import escaped, markdown_table
from mixes.show.verdict import verdict_word
from mixes.tables.metrics import Direction, Metric
from mixes.target import OVERALL

RANKABLE = 3  # least spread over mixes ÷ noise at which a rank correlation over mixes says something of a law
NARROW = 110  # characters of a terminal; a narrower one goes without the columns of SPARED
SPARED = {"uniform", "P(better)", "noise", "ratio"}
LEFT = {"domain", "family", "verdict", "mix", "part", "state", "detail"}  # columns of words
MOST_NAMED = 8  # families that a line names
NAMED = 5  # tasks that are named where a list would be long
AGAINST = "Against the checkpoint that training starts from (above 0 is forgotten)"
NO_GAIN = "Best mix within the limits (not measurably better than what it is compared with)"
BESIDE = "Beside it, on the target (gains above 0 are better"
FRONT = "Pareto front: no mix is better for one family without being worse for another"


@dataclass(frozen=True)
class Shown:
    """Unit and direction of the scores that are printed."""

    unit: str = "bpb"
    direction: Direction = "lower"

    @property
    def title(self) -> str:
        """Title of the table of scores."""
        return f"Predicted {'bits per byte' if self.unit == 'bpb' else self.unit} ({self.direction} is better)"


def tables_of(recommendation: Recommendation, shown: Shown) -> list[tuple[str, list[list[str]]]]:
    """(title, a head and rows) of every table."""
    title = "Recommended mix" if recommendation.verdict[OVERALL] == "better" else NO_GAIN
    tables = [(title, _mix_rows(recommendation)), (shown.title, _score_rows(recommendation))]
    if recommendation.forgotten:
        tables.append((AGAINST, _forgotten_rows(recommendation)))
    if recommendation.beside:
        tables.append((f"{BESIDE}; {_interval(recommendation)}s in brackets)", beside_table(recommendation)))
    if recommendation.front:
        tables.append((FRONT, _front_rows(recommendation)))
    return tables


def print_recommendation(recommendation: Recommendation, console: Console, shown: Shown) -> None:
    """The verdict, the mix, the predicted scores, and what lies behind them."""
    verdict, *rest = words_of(recommendation, shown)
    console.print(f"{verdict}\n", soft_wrap=True)
    for title, rows in tables_of(recommendation, shown):
        console.print(text_table(title, _within(rows, console.width)))
    console.print("\n".join(rest), soft_wrap=True)


def _within(rows: list[list[str]], width: int) -> list[list[str]]:
    """The rows without the columns that can be spared, where the terminal is narrow."""
    if width >= NARROW:
        return rows
    kept = [i for i, name in enumerate(rows[0]) if name not in SPARED]
    return [[row[i] for i in kept] for row in rows]


def text_table(title: str, rows: list[list[str]]) -> Table:
    """A head and rows as a table for a terminal."""
    names, *body = rows
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for name in names:
        left = name in LEFT
        table.add_column(name, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for row in body:
        table.add_row(*row)
    return table


def recommendation_text(recommendation: Recommendation, shown: Shown) -> str:
    """The same as a text, for a console that shows what an expression gives."""
    with io.StringIO() as text:
        print_recommendation(recommendation, plain_console(text), shown)
        return text.getvalue().rstrip()


def recommendation_markdown(recommendation: Recommendation) -> str:
    """The same as markdown: the verdict, the tables, and what lies behind them."""
    tables = (markdown_table(rows) for title, rows in tables_of(recommendation, Shown()) if title != FRONT)
    verdict, *rest = (escaped(line) for line in words_of(recommendation, Shown()))
    return "\n\n".join([f"# {escaped(recommendation.id)}", verdict, *tables, *rest])


def print_checked_law(checked: CheckedLaw, metrics: Mapping[str, Metric], console: Console) -> None:
    """Rank correlation by metric, and their mean."""
    where = f" of other sizes, at {checked.at}" if checked.at else ""
    table = Table(
        title=f"Law {checked.law}, fitted to {checked.runs} runs{where}", box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("metric")
    table.add_column("law")
    table.add_column("rank correlation", justify="right")
    for name in ("error", "in 90 % interval") if checked.at else ():
        table.add_column(name, justify="right")
    for name, value in checked.spearman.items():
        more = (
            (f"{checked.errors[name]:.3f}", f"{checked.coverage[name]:.0%}")
            if checked.errors and checked.coverage
            else ()
        )
        table.add_row(name, checked.chosen[name], f"{value:.3f}", *more)
    console.print(table)
    line = f"Mean rank correlation {checked.spearman_mean:.4f}, in {checked.seconds:.1f} s"
    if checked.coverage:
        line += (
            f"; {sum(checked.coverage.values()) / len(checked.coverage):.0%} of the scores lie in their 90 % intervals"
        )
    if checked.regret is not None:
        unit = next(iter(metrics.values())).unit
        line += f"; the mix that is predicted best scores {checked.regret:.4f} {unit} worse than the best one"
    console.print(line + ".")


def _interval(recommendation: Recommendation) -> str:
    return f"{100 * recommendation.coverage:g} % interval"


def _mix_rows(recommendation: Recommendation) -> list[list[str]]:
    """A head, and one row per domain; epochs where tokens are known."""
    rows = [["domain", recommendation.reference, "recommended", _interval(recommendation), "ratio", "epochs"]]
    for domain, weight in sorted(recommendation.mix.items(), key=lambda pair: -pair[1]):
        low, high = recommendation.intervals[domain]
        natural = recommendation.natural[domain]
        ratio = f"{weight / natural:.2f}×" if natural else "–"
        row = [domain, share(natural), share(weight), f"{share(low)} – {share(high)}", ratio]
        if recommendation.epochs:
            row.append(f"{recommendation.epochs[domain]:.2f}{' (cap)' if domain in recommendation.caps else ''}")
        rows.append(row)
    return [row[: len(rows[-1])] for row in rows]


def _score_rows(recommendation: Recommendation) -> list[list[str]]:
    """A head, and one row per family."""
    scores = [recommendation.reference, "uniform", "recommended"]
    rows = [["family", *scores, "gain", _interval(recommendation), "P(better)", "noise", "verdict"]]
    for name, verdict in recommendation.verdict.items():
        row = recommendation.predicted[name]
        rows.append(
            [
                name, f"{row.natural:.3f}", f"{row.uniform:.3f}", f"{row.mix:.3f}", signed(row.gain),
                f"{signed(row.gain_low)} – {signed(row.gain_high)}", _chance(row.chance), f"{row.noise:.3f}",
                verdict_word(verdict, row.gain_low, row.gain_high),
            ]
        )  # fmt: skip
    return rows


def _forgotten_rows(recommendation: Recommendation) -> list[list[str]]:
    """A head, and one row per family; the column `keep` only where a family has a floor."""
    rows = [["family", "checkpoint", "recommended", "forgotten", _interval(recommendation), "keep"]]
    for name in recommendation.verdict:
        row = recommendation.forgotten[name]
        kept = "" if row.floor is None else f"≤ {row.floor:+.3f}"
        interval = f"{row.low:+.3f} – {row.high:+.3f}"
        rows.append(
            [name, f"{row.checkpoint:.3f}", f"{row.checkpoint + row.value:.3f}", f"{row.value:+.3f}", interval, kept]
        )
    return rows if any(row[-1] for row in rows[1:]) else [row[:-1] for row in rows]


def words_of(recommendation: Recommendation, shown: Shown) -> list[str]:
    """The verdict, the laws' held-out quality, the cautions, and what was asked."""
    target, standardised = recommendation.predicted[OVERALL], recommendation.standardised
    unit = shown.unit if standardised is None else f"× {standardised}"
    lines = [
        recommendation.summary,
        f"{_target(recommendation)}The predicted gain is {signed(target.gain)} {unit}, with a "
        f"{_interval(recommendation)} from {signed(target.gain_low)} to {signed(target.gain_high)}"
        f"{_optimism(target.optimism)}. {_noise(recommendation, target)}",
        _laws(recommendation, shown),
    ]
    lines += beside_words(recommendation, unit)
    if recommendation.regret is not None:
        lines.append(
            f"The best mix may be another one: it is expected to be {regret_words(recommendation, unit)} better than "
            "this one. More runs lower that."
        )
    if recommendation.forgotten:
        lines.append(_forgotten(recommendation, shown))
    if recommendation.gap is None:
        lines.append("A law is not convex, so the mix was found by a search, and there may be a better one.")
    lines += [f"Caution: {caution.text}." for caution in recommendation.cautions]
    if recommendation.epochs:
        limit = f"at most {recommendation.max_epochs:g} epoch{'' if recommendation.max_epochs == 1 else 's'} per domain"
        lines.append(f"Budget {recommendation.budget:,.0f} tokens, {limit}. Id {recommendation.id}.")
    else:
        lines.append(
            "Gains are counted from the swarm's centre, the mean of its mixes, because the natural mix is not known: "
            f"give the tokens of each domain to compare with it and to count epochs. Id {recommendation.id}."
        )
    return lines


def regret_words(recommendation: Recommendation, unit: str) -> str:
    """What the best mix is expected to gain over this one, as the imagined worlds say."""
    regret, noise = recommendation.regret or 0.0, recommendation.predicted[OVERALL].noise
    return f"{regret:.3f} {unit} ({regret / max(noise, 1e-12):.1f} noises of a difference between two proxies)"


def _forgotten(recommendation: Recommendation, shown: Shown) -> str:
    """Which tasks score worse than the checkpoint even at the better end of their interval."""
    tasks = {task: recommendation.forgotten[task] for task in recommendation.law}
    lost = sorted((row.low, task) for task, row in tasks.items() if row.low > 0)[::-1]
    if not lost:
        return f"Predicted to be forgotten (whole {_interval(recommendation)} above 0): none of {len(tasks)} tasks."
    named = ", ".join(f"{task} {tasks[task].value:+.3f}" for _, task in lost[:NAMED])
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    return (
        f"Predicted to be forgotten (whole {_interval(recommendation)} above 0): {len(lost)} of {len(tasks)} tasks, "
        f"{named}{more} {shown.unit}."
    )


def _chance(value: float) -> str:
    """A chance in percent, which worlds in the hundreds cannot tell from certainty near its ends."""
    return ">99%" if value > 0.99 else "<1%" if value < 0.01 else f"{value:.0%}"


def _optimism(value: float) -> str:
    """What was taken off because the mix was chosen by fitted laws, or added; nothing where it rounds to zero."""
    if not float(f"{value:.3f}"):
        return ""
    return f" (laws {'over' if value > 0 else 'under'}state such gains by {abs(value):.3f}, which is already corrected)"


def _noise(recommendation: Recommendation, target: Predicted) -> str:
    line = f"By chance alone, two proxies of equally good mixes differ by {target.noise:.3f} (standard deviation)"
    if recommendation.noise_from != "replicates":
        line += ", estimated from what the laws leave unexplained, since no mix was trained with two seeds"
    if abs(target.gain) <= target.noise:
        line += f". The {'gain' if target.gain >= 0 else 'loss'} is smaller, so training both mixes would not show it"
    return line + "."


def _laws(recommendation: Recommendation, shown: Shown) -> str:
    names = [law.name for law in recommendation.law.values()]
    used = ", ".join(f"{name} for {names.count(name)}" for name in sorted(set(names)))
    rankable = [law for law in recommendation.law.values() if law.spread >= RANKABLE * law.noise]
    lines = [f"Laws: {used} of {len(names)} tasks."]
    if rankable:
        error = sum(law.error for law in rankable) / len(rankable)
        rank = sum(law.rank_correlation for law in rankable) / len(rankable)
        lines.append(
            f"On held-out mixes they rank with a correlation of {rank:.2f} (1 is perfect) and miss by {error:.3f} "
            f"{shown.unit}: means over the {len(rankable)} tasks that vary between mixes by at least {RANKABLE} times "
            "their noise."
        )
    return " ".join(lines)


def _target(recommendation: Recommendation) -> str:
    """What the target counts, family by family."""
    shares = {
        family: sum(recommendation.target.get(task, 0.0) for task in tasks)
        for family, tasks in recommendation.families.items()
    }
    counted = sorted(((share, family) for family, share in shares.items() if share), reverse=True)
    if not counted or len(counted) > MOST_NAMED:
        return ""
    return f"Target: {', '.join(f'{share:.0%} {_tasks(recommendation, family)}' for share, family in counted)}. "


def _tasks(recommendation: Recommendation, family: str) -> str:
    """A family and the tasks that its mean is made of, which are not always all of its tasks."""
    tasks = sorted(recommendation.families[family])
    if tasks == [family]:
        return family
    return f"{family} ({', '.join(tasks) if len(tasks) <= NAMED else f'{len(tasks)} tasks'})"


def _front_rows(recommendation: Recommendation) -> list[list[str]]:
    """A head, and one row per mix of the front: its predicted scores by family, its largest weights."""
    families = list(recommendation.front[0].predicted)
    rows = [[*families, "mix"]]
    for point in recommendation.front:
        largest = sorted(point.mix.items(), key=lambda pair: -pair[1])[:3]
        weights = ", ".join(f"{domain} {weight:.0%}" for domain, weight in largest)
        rows.append([*(f"{point.predicted[family]:.3f}" for family in families), weights])
    return rows
