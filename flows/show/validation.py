"""A validation for people: what was measured, and what came true of the predictions."""

from rich import box
from rich.console import Console
from rich.table import Table

from mixes.recommendation.validation import PARTS, Compared, Estimate, Truth, Validation
from mixes.show.printable import one_line
from mixes.show.verdict import verdict_word
from mixes.target import OVERALL

TRUTHS: dict[Truth, str] = {"true": "true", "not_shown": "not shown", "false": "false"}
MEASURED = ("natural", "uniform", "recommended", "gain", "90 % interval", "multiplier", "90 % interval")
WORDED = ("agreement", "called", "came true")
PREDICTED = ("predicted", "90 % interval", "measured", "agreement", "called", "came true")


def print_validation(done: Validation, max_epochs: float, console: Console) -> None:
    """Two tables and their notes; max_epochs: the swarm's cap; the notes name the mixes that repeat more."""
    measured = f"Trained anew: {len(done.seeds)} seeds at {done.size}, {done.tokens:,} tokens per proxy, bits per byte"
    predicted = f"What came true of the predicted gain, for {done.swarm_size} and {done.swarm_tokens:,} tokens"
    for title, row_of, names in ((measured, _measured, MEASURED), (predicted, _predicted, PREDICTED)):
        table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
        table.add_column("family", overflow="fold")
        for name in names:
            table.add_column(name, justify="left" if name in WORDED else "right", no_wrap=True)
        for name, compared in done.compared.items():
            table.add_row(name, *row_of(compared))
        console.print(table)
    console.print("\n".join(_words(done, max_epochs)), soft_wrap=True)


def table_of_validation(done: Validation) -> list[dict[str, str]]:
    """The same as rows: the target and each family."""
    rows = []
    for name, compared in done.compared.items():
        natural, uniform, recommended, gain, interval, times, between = _measured(compared)
        predicted, expected, _, agreement, called, came_true = _predicted(compared)
        row = {
            "family": one_line(name), "natural": natural, "uniform": uniform, "recommended": recommended,
            "gain": gain, "90 % interval": interval, "predicted gain": predicted, "predicted 90 % interval": expected,
            "agreement": agreement, "called": called, "came true": came_true, "multiplier": times,
            "multiplier 90 % interval": between,
        }  # fmt: skip
        rows.append(row)
    return rows


def _measured(compared: Compared) -> list[str]:
    means = [
        f"{mean.value:.3f} ± {mean.high - mean.value:.3f}"
        for mean in (compared.natural, compared.uniform, compared.recommended)
    ]
    times = compared.multiplier
    return [*means, *_signed(compared.gain), _times(times.value), f"{_times(times.low)} – {_times(times.high)}"]


def _predicted(compared: Compared) -> list[str]:
    outcome = "" if compared.measured == "not_distinguishable" else f", measured {compared.measured}"
    truth = TRUTHS[compared.came_true] if compared.came_true else f"no call{outcome}"
    return [
        *_signed(compared.predicted), f"{compared.gain.value:+.3f}", compared.agreement,
        verdict_word(compared.verdict, compared.predicted.low, compared.predicted.high), truth,
    ]  # fmt: skip


def _signed(gain: Estimate) -> list[str]:
    return [f"{gain.value:+.3f}", f"{gain.low:+.3f} – {gain.high:+.3f}"]


def _times(multiplier: float) -> str:
    """Clipped values as bounds."""
    if multiplier <= 1:
        return "<1"
    return f">{PARTS[-1]}" if multiplier >= PARTS[-1] else f"{multiplier:.2f}"


def _words(done: Validation, max_epochs: float) -> list[str]:
    """How to read the tables, how many predictions came true, which domains repeat."""
    truths = [compared.came_true for compared in done.compared.values() if compared.came_true]
    agreed = [compared.agreement for compared in done.compared.values()]
    repeated = ", ".join(f"{mix} {compared.domain} {compared.epochs:.2g}×" for mix, compared in done.repeats.items())
    lines = [
        "Intervals are Student's t over seeds, mixes paired by seed. The multiplier says how many times fewer tokens "
        f"the mix needs for natural's score: <1 means that it saves none, >{PARTS[-1]} that it needs fewer than the "
        "smallest budget trained.",
        f"Gains inside their predicted interval: {agreed.count('inside')} of {len(agreed)}; only their own interval "
        f"overlaps it: {agreed.count('overlaps')}; apart: {agreed.count('apart')}. "
        f"Called better or worse: {len(truths)}; of these "
        f"{', '.join(f'{truths.count(truth)} {words}' for truth, words in TRUTHS.items())}.",
        f"The domain that each mix repeats most: {repeated}.",
    ]
    own = [compared.at_size_agreement for compared in done.compared.values() if compared.at_size_agreement]
    if own:
        target = done.compared[OVERALL]
        gain = f" (target: {' '.join(_signed(target.at_size))})" if target.at_size else ""
        lines.insert(
            2,
            f"Gains inside the interval that the runs of all other sizes predict for {done.size} itself: "
            f"{own.count('inside')} of {len(own)}{gain}.",
        )
    above = [mix for mix, compared in done.repeats.items() if compared.epochs > max_epochs]
    if above:
        lines[-1] += f" Above swarm.max_epochs ({max_epochs:g}), where a repeat teaches less: {', '.join(above)}."
    return [*lines, f"Id {done.id}, of {done.recommendation}."]
