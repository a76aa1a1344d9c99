"""A validation for people: what was measured, and what came true of what had been predicted."""

from rich import box
from rich.console import Console
from rich.table import Table

from flows.show.recommendation import WORDS
from mixes.recommendation.validation import PARTS, Compared, Estimate, Truth, Validation

TRUTHS: dict[Truth, str] = {"true": "true", "not_shown": "not shown", "false": "false"}
MEASURED = ("natural", "uniform", "recommended", "gain", "90 % interval", "multiplier", "90 % interval")
WORDED = ("agreement", "called", "came true")
PREDICTED = ("predicted", "90 % interval", "measured", "agreement", "called", "came true")


def print_validation(done: Validation, max_epochs: float, console: Console) -> None:
    """Two tables and their notes; max_epochs: the swarm's cap, beyond which repeats are pointed at."""
    measured = f"Trained anew: {len(done.seeds)} seeds at {done.size}, {done.tokens:,} tokens a proxy, bits per byte"
    predicted = f"What came true of the predicted gain, for {done.swarm_size} and {done.swarm_tokens:,} tokens"
    for title, row_of, names in ((measured, _measured, MEASURED), (predicted, _predicted, PREDICTED)):
        table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
        table.add_column("family", overflow="fold")
        for name in names:
            table.add_column(name, justify="left" if name in WORDED else "right", no_wrap=True)
        for name, one in done.compared.items():
            table.add_row(name, *row_of(one))
        console.print(table)
    console.print("\n".join(_words(done, max_epochs)), soft_wrap=True, highlight=False)


def _measured(one: Compared) -> list[str]:
    means = [f"{mean.value:.3f} ± {mean.high - mean.value:.3f}" for mean in (one.natural, one.uniform, one.recommended)]
    times = one.multiplier
    return [*means, *_signed(one.gain), _times(times.value), f"{_times(times.low)} – {_times(times.high)}"]


def _predicted(one: Compared) -> list[str]:
    found = "" if one.measured == "not_distinguishable" else f", is {one.measured}"
    truth = TRUTHS[one.came_true] if one.came_true else f"no call{found}"
    return [
        *_signed(one.predicted), f"{one.gain.value:+.3f}", one.agreement, WORDS[one.verdict], truth,
    ]  # fmt: skip


def _signed(gain: Estimate) -> list[str]:
    return [f"{gain.value:+.3f}", f"{gain.low:+.3f} – {gain.high:+.3f}"]


def _times(multiplier: float) -> str:
    """Clipped values as what they say."""
    if multiplier <= 1:
        return "<1"
    return f">{PARTS[-1]}" if multiplier >= PARTS[-1] else f"{multiplier:.2f}"


def _words(done: Validation, max_epochs: float) -> list[str]:
    """How to read the tables, what came true in all, what repeats."""
    truths = [one.came_true for one in done.compared.values() if one.came_true]
    agreed = [one.agreement for one in done.compared.values()]
    most = ", ".join(f"{mix} {one.domain} {one.epochs:.2g}×" for mix, one in done.repeats.items())
    lines = [
        "Intervals are Student's t over seeds, mixes paired by seed. The multiplier says how many times fewer tokens "
        f"the mix needs for natural's score: <1 saves none, >{PARTS[-1]} needs fewer than the shortest budget trained.",
        f"Of {len(agreed)} gains {agreed.count('inside')} lie inside their predicted interval, "
        f"{agreed.count('overlaps')} only overlap it with their own, {agreed.count('apart')} lie apart. "
        f"Called better or worse: {len(truths)}; "
        f"{', '.join(f'{truths.count(truth)} {words}' for truth, words in TRUTHS.items())}.",
        f"Repeated most: {most}.",
    ]
    above = [mix for mix, one in done.repeats.items() if one.epochs > max_epochs]
    if above:
        lines[-1] += f" Above swarm.max_epochs ({max_epochs:g}), where a repeat teaches less: {', '.join(above)}."
    return [*lines, f"Id {done.id}, of {done.recommendation}."]
