"""What the explorer's address says: the question, and what is looked at. A reload of the address finds the same.

The words are those of the command line: `max_epochs=4`, `target=code=0.7`, `bound=books=0.1:0.2`. Several weights are
one value, encoded as an address's own parts are, since marimo's page keeps only the last of a repeated name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flows.errors import ExperimentError
from flows.settings.given import bounds_of, named_numbers

Params = Mapping[str, str | Sequence[str]]  # of a repeated name, the last counts
TABS = ("mix", "compare", "save", "swarm", "documents", "sql")
LONGEST = 4_000  # characters of a value in the address (assumed: browsers and servers take twice as much)


@dataclass(frozen=True)
class State:
    """A question and a view. None and empty values leave the experiment's own settings as they are."""

    target: Mapping[str, float] = field(default_factory=dict)  # family → weight
    budget: str | None = None
    max_epochs: float | None = None
    pull: float | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # domain → least and most share
    tab: str = TABS[0]
    left: str = ""  # mixes that are compared
    right: str = ""
    own: str = ""  # a mix as it was typed
    domain: str = ""
    bucket: str = ""
    reason: str = ""
    query: str = ""

    def params(self) -> dict[str, str]:
        """As the address has it; what is not set is left out."""
        named = {}
        if self.target:
            named["target"] = urlencode({name: f"{weight:g}" for name, weight in self.target.items()})
        if self.bounds:
            named["bound"] = urlencode({name: f"{low:g}:{high:g}" for name, (low, high) in self.bounds.items()})
        for name in NUMBERS:
            if (value := getattr(self, name)) is not None:
                named[name] = f"{value:g}"
        for name in TEXTS:
            if (value := getattr(self, name)) and value != _DEFAULT[name]:
                named[name] = str(value)
        return named

    def address(self, **changes: Any) -> str:
        """The address of this state with other values in some fields."""
        return "?" + urlencode(replace(self, **changes).params())


NUMBERS = ("max_epochs", "pull")
TEXTS = ("budget", "tab", "left", "right", "own", "domain", "bucket", "reason", "query")
KEYS = ("target", "bound", *NUMBERS, *TEXTS)
_DEFAULT = {one.name: one.default for one in fields(State)}


def state_of(params: Params) -> tuple[State, list[str]]:
    """The state that an address names, and a line for each part of it that cannot be read and is left out."""
    notes: list[str] = []
    values: dict[str, Any] = {}
    for name in TEXTS:
        if text := _last(params, name):
            values[name] = text[:LONGEST]
    if values.get("tab") not in TABS:
        values.pop("tab", None)
    for name in NUMBERS:
        if text := _last(params, name):
            try:
                values[name] = float(text)
            except ValueError:
                notes.append(f"{name} {text[:40]!r} is no number, and is left out.")
    for name, key, read in (("target", "target", named_numbers), ("bounds", "bound", _ranges)):
        try:
            pairs = parse_qsl(_last(params, key), keep_blank_values=True)
            values[name] = read(key, [f"{one}={value}" for one, value in pairs]) or {}
        except ExperimentError as error:
            notes.append(f"{str(error).removeprefix('--')}; it is left out.")
    return State(**values), notes


def _ranges(_option: str, given: list[str]) -> dict[str, tuple[float, float]]:
    ranges = {}
    for name, value in (bounds_of(given) or {}).items():
        low, high = value if isinstance(value, list) else (value, value)
        ranges[name] = (0.0 if low is None else low, 1.0 if high is None else high)
    return ranges


def _last(params: Params, name: str) -> str:
    value = params.get(name, "")
    return value if isinstance(value, str) else list(value or [""])[-1]
