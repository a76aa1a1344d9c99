"""The one error of this floor that a user can mend."""

import difflib
from collections.abc import Iterable


class MixError(ValueError):
    """Bad input, in one line: what, where, the value, the fix. The CLI prints it and exits with 2."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like another; None where none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or `known are x, y` where none is near: how an error about an unknown name ends."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else f"known are {', '.join(names)}"
