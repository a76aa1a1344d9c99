"""The meaning of a metric's numbers: direction, unit, family.

Inside mixes/ lower is better everywhere, so scores of which more is better are negated when they come in and
shown with their own sign again. A direction is never guessed: a name that looks like an accuracy, or values that
no loss has, are refused, and the user must state the direction.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixes.errors import MixError, cut_short, did_you_mean

Direction = Literal["lower", "higher"]

# Unit → direction in which it is better. "accuracy" stands for every share of right answers (accuracy, exact match, F1,
# pass@k), since suites average them.
UNITS: dict[str, Direction] = {
    "bpb": "lower",
    "nats per token": "lower",
    "perplexity": "lower",
    "accuracy": "higher",
}
LOSSES = ("bpb", "nats per token")
MOST_BPB = (
    30.0  # assumed: larger numbers are no loss; a uniform guess among 256 bytes has 8 bpb, among 10^9 tokens 21 nats
)

# Words in a metric's name, most telling first: `arc_acc_bpb` is a loss.
WORDS = (
    ("bpb", r"bpb|bits_per_byte"),
    ("perplexity", r"ppl|(\w+_)?perplexity"),
    ("nats per token", r"loss|nll|ce|xent|cross_entropy|nats"),
    ("accuracy", r"acc|accuracy|em|exact_match|f1|pass|pass_at_\d+|mcc|auc|bleu|rouge\w?|win_?rate|right|correct"),
)


@dataclass(frozen=True)
class Stated:
    """What a file states about a metric besides its name."""

    unit: str | None = None
    direction: Direction | None = None

    def or_else(self, default: "Stated") -> "Stated":
        """The same, with what `default` says where nothing is stated that contradicts it."""
        better = default.direction or UNITS.get(default.unit or "")
        if self.unit or (self.direction and self.direction != better):
            return self
        return Stated(default.unit, self.direction or default.direction)


@dataclass(frozen=True)
class Metric:
    """One task's scores: their family, unit and direction."""

    family: str
    unit: str
    direction: Direction

    def turned(self, scores: np.ndarray) -> np.ndarray:
        """Scores with the sign at which lower is better; a second call turns them back."""
        return -scores if self.direction == "higher" else scores


def unit_of_name(name: str) -> str | None:
    """The unit that a metric's name implies: a key of `UNITS`, or None."""
    spaced = re.sub(r"[^a-z0-9]+", "_", name.lower().replace("@", "_at_"))
    for unit, words in WORDS:
        if re.search(rf"(?:^|_)(?:{words})(?:_|$)", spaced):
            return unit
    return None


def stated_unit(text: str) -> Stated:
    """What `--unit` says of all metrics.

    Raises:
        MixError: no such unit.
    """
    unit = " ".join(re.split(r"[\s_-]+", text.strip().lower()))
    unit = {"bits per byte": "bpb", "nats": "nats per token", "ppl": "perplexity", "acc": "accuracy"}.get(unit, unit)
    if unit not in UNITS:
        raise MixError(
            f"`unit`: no unit is called {cut_short(text)} — {did_you_mean(unit, UNITS)}; any other unit is stated with "
            "its direction, in `families`"
        )
    return Stated(unit)


def metric_of(
    name: str,
    scores: np.ndarray,
    family: str | None = None,
    stated: Stated | None = None,
    default: Stated | None = None,
) -> Metric:
    """A metric, from its name, its `scores` (n_runs,) and what is stated about it, or else by default.

    Raises:
        MixError: the direction is not known, or the name or the values contradict it.
    """
    own = stated or Stated()
    stated = own.or_else(default) if default else own
    unit = stated.unit or unit_of_name(name)
    direction = stated.direction or UNITS.get(unit or "")
    low, high = float(scores.min()), float(scores.max())
    doubt = _doubt_of_name(name, unit, direction, stated, stated != own)
    doubt = doubt or _doubt_of_values(unit, direction, low, high)
    if doubt:
        likely = "accuracy" if unit_of_name(name) == "accuracy" else "bpb"
        example = f"{family or 'some family'}: {{metrics: [{name!r}], unit: {likely}}}"
        others = ", ".join(other for other in UNITS if other != likely)
        raise MixError(
            f"metric {name!r} {doubt} — state its unit and direction in `families`, as in {example} (or {others}; any "
            "other unit with `direction: lower` or `higher`), or the unit of all metrics by `unit`"
        )
    return Metric(family or name, unit or "score", direction or "lower")


def _doubt_of_name(
    name: str, unit: str | None, direction: Direction | None, stated: Stated, by_default: bool
) -> str | None:
    named = unit_of_name(name)
    if named == "accuracy":
        if stated == Stated():
            return "looks like an accuracy, of which more is better"
        if unit in LOSSES:
            return f"looks like an accuracy and is given as {unit}"
    if named and by_default and direction and direction != UNITS[named]:
        return f"looks like {named}, of which {UNITS[named]} is better, and is given as {unit or direction}"
    if direction != UNITS.get(unit or "", direction):
        return f"has the unit {unit!r} and the direction {direction!r}, which contradict each other"
    if stated.unit and direction is None:
        return f"has the unit {unit!r}, which has no direction of its own"
    return None


def _doubt_of_values(unit: str | None, direction: Direction | None, low: float, high: float) -> str | None:
    between = f"lies between {low:.3g} and {high:.3g}"
    if direction is None and low >= 0 and high <= 1:
        return f"{between}: a loss or an accuracy"
    loss = unit in LOSSES or direction is None
    if low < 0 and (loss or unit in UNITS):
        return f"{between}, which no {unit or 'loss'} does"
    if (loss and high > MOST_BPB) or (unit == "accuracy" and high > 100):
        return f"{between}, which no {unit or 'loss'} does"
    return None


def check_one_unit(what: str, tasks: Iterable[str], metrics: Mapping[str, Metric]) -> str:
    """The unit that all of `tasks` have.

    Raises:
        MixError: they have two; a mean over bits and accuracies has no meaning.
    """
    units = {metrics[task].unit: task for task in sorted(tasks)}
    if len(units) > 1:
        listed = ", ".join(f"{task!r} in {unit}" for unit, task in sorted(units.items()))
        raise MixError(
            f"{what} mixes units ({listed}) — choose metrics of one unit, or set `standardise` to noise or spread"
        )
    return next(iter(units))
