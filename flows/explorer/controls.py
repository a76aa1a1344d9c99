"""What the sliders offer and where they begin, and what their values change of a question."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.explorer.state import State
from flows.report.findings import Findings
from mixes.budget import UNITS, parse_tokens
from mixes.errors import MixError
from mixes.recommendation.question import Question

DIGITS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # a budget is one of these times a power of ten
BUDGETS = (0.05, 20.0)  # the smallest and largest budget, in units of all available tokens (assumed)
EPOCHS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 16.0)
PULLS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True)
class Stops:
    """A slider that stops at given values."""

    values: tuple[float, ...]  # ascending; the first and last are its ends
    own: float  # the question's own
    now: float  # where it begins

    def change(self, value: float) -> float | None:
        """A value, or nothing where it is the question's own."""
        return None if value == self.own else value


@dataclass(frozen=True)
class Controls:
    """All sliders of a page."""

    own_weights: Mapping[str, float]  # family → its share of the question's own target
    weights: Mapping[str, float]  # where the sliders begin
    budget: Stops | None  # in `unit`; None where the available tokens are unknown
    unit: str  # K, M, B or T
    epochs: Stops
    pull: Stops

    def changes(self, weights: Mapping[str, float], budget: float | None, epochs: float, pull: float) -> dict[str, Any]:
        """Fields of a `State`: what the sliders' values change of the question."""
        counted = {name: weight for name, weight in weights.items() if weight} or dict(weights)
        spent = self.budget.change(budget) if self.budget and budget is not None else None
        return {
            "target": {} if weights == self.own_weights else counted,
            "budget": None if spent is None else f"{spent:g}{self.unit}",
            "max_epochs": self.epochs.change(epochs),
            "pull": self.pull.change(pull),
        }


def controls_of(question: Question, findings: Findings, state: State) -> Controls:
    """The sliders for a question; state: where they begin."""
    problem, settings = findings.problem, question.settings
    own = {
        name: round(sum(problem.target[task] for task, weight in problem.by_family[name].items() if weight), 2)
        for name in findings.families
    }
    total = sum(own.values()) or 1.0  # a standardised target's weights do not sum to 1
    own = {name: round(weight / total, 2) for name, weight in own.items()}
    given = {name: state.target.get(name, 0.0) for name in own} if state.target else {}
    largest = max([1.0, *given.values()])
    weights = {name: round(max(0.0, weight) / largest, 2) for name, weight in given.items()} or own
    unit = _unit(question.budget)
    budget = None
    if question.budget:
        available = sum((question.holdings.available or {}).values())
        budget = _stops(_budgets(available, unit), question.budget / UNITS[unit], _tokens(state.budget, unit))
    return Controls(
        own, weights, budget, unit, _stops(EPOCHS, settings.max_epochs, state.max_epochs),
        _stops(PULLS, settings.pull, state.pull),
    )  # fmt: skip


def _stops(values: tuple[float, ...], own: float, now: float | None) -> Stops:
    own = float(f"{own:.3g}")
    now = own if now is None or not 0 <= now < float("inf") else now
    return Stops(tuple(sorted({*values, own, now})), own, now)


def _budgets(available: float, unit: str) -> tuple[float, ...]:
    low, high = (share * available / UNITS[unit] for share in BUDGETS)
    every = (digit * 10.0**power for power in range(-6, 10) for digit in DIGITS)
    return tuple(float(f"{value:.3g}") for value in every if low <= value <= high)


def _tokens(budget: str | None, unit: str) -> float | None:
    try:
        return parse_tokens(budget) / UNITS[unit] if budget else None
    except MixError:
        return None


def _unit(budget: float | None) -> str:
    return next((name for name in "TBMK" if (budget or 1.0) >= UNITS[name]), "K")
