"""The one error of this floor that a user can mend, and how its messages are worded."""

import difflib
import reprlib
from collections.abc import Iterable
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


LISTED = 30  # names that an error lists


class MixError(ValueError):
    """Bad input, in one line: what, where, the value, the fix. The CLI prints it and exits with 2."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that is most like `name`; None where none is similar."""
    return next(iter(difflib.get_close_matches(name[:200], [known[:200] for known in names], n=1)), None)


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """`did you mean 'x'?`, or `known are x, y` where none is similar: the end of an error about an unknown name."""
    names = list(choices)
    suggestion = nearest(name, names)
    if suggestion:
        return f"did you mean {suggestion!r}?"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"known are {', '.join(names[:LISTED])}{more}"


def first_mistake(error: "ValidationError", model: "type[BaseModel]") -> str:
    """One line on the first wrong field of a `model`: unknown names first, since they often explain missing ones."""
    mistake = min(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    field = ".".join(map(str, mistake["loc"])).removesuffix(".[key]")  # of a mapping: the field is the key itself
    if mistake["type"] == "extra_forbidden":
        fields = _known_fields(mistake["loc"][:-1], model)
        return f"unknown field {field!r} — {did_you_mean(str(mistake['loc'][-1]), fields)}"
    if mistake["type"] == "missing":
        return f"field {field!r} is missing"
    value = mistake["input"]
    problem = mistake["msg"].removeprefix("Value error, ")
    if mistake["type"] == "literal_error":
        choices = mistake["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        suggestion = nearest(str(value), choices)
        problem = f"must be one of {', '.join(choices)}" + (f" — did you mean {suggestion!r}?" if suggestion else "")
    if isinstance(value, dict):
        return f"{field}: {problem}"
    return f"{field}: {problem[:1].lower() + problem[1:]} (it is {cut_short(value)})"


def cut_short(value: object, most: int = 80) -> str:
    """A value as an error shows it: as Python writes it, and no longer than `most` characters."""
    short = reprlib.Repr()
    short.maxstring, short.maxother, short.maxlevel = most, most, 3
    shown = short.repr(value)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _known_fields(place: tuple, model: Any) -> list[str]:
    """Field names at a place of a model."""
    from pydantic import RootModel  # the command line imports this file before it needs a model

    model = model.model_fields["root"].annotation if issubclass(model, RootModel) else model
    for step in place:
        model = get_args(model)[1] if get_origin(model) is dict else model.model_fields[step].annotation
        if get_origin(model) is UnionType:  # Settings | None
            model = get_args(model)[0]
    return sorted(name for name in model.model_fields if name != "base")
