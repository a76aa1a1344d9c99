"""Names of rows, cut so that they fit beside a figure and what tells them apart stays."""

import re
from collections import Counter
from collections.abc import Sequence

ENDING = re.compile(r":.*$")  # of a task's name: how it is asked, as `:rc::olmes`
SHARED = 3  # names that share an ending from which it tells nothing
FIRST = 5  # characters that a name keeps at its beginning, or more
SPARE = 6  # characters that whole words may leave empty
WORD = re.compile(r"[^_/:\-. ]*[_/:\-. ]?")


def short_labels(names: Sequence[str], most: int) -> dict[str, str]:
    """Name → label of at most `most` characters; empty where every name is short enough.

    An ending that several names share goes first. Names that would look alike are cut to what tells them apart.
    """
    if all(len(name) <= most for name in names):
        return {}
    whole = _without_endings(names, most)
    labels = {name: cut(whole[name], most) for name in names}
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(labels[name], []).append(name)
    for group in alike.values():
        if len(group) > 1:
            labels |= _apart([whole[name] for name in group], group, most, set(labels.values()))
    return labels


def cut(name: str, most: int) -> str:
    """A name of at most `most` characters: its first word and as much of its end as fits, in whole words if it can."""
    if len(name) <= most:
        return name
    words = [word for word in WORD.findall(name) if word]
    head, *rest = words
    while len(head) < FIRST and rest and len(head + rest[0]) <= most // 2:
        head += rest.pop(0)
    tail, room = "", most - 1 - len(head)
    for word in rest[::-1]:
        if len(word + tail) > room:
            break
        tail = word + tail
    if room >= most // 2 - 1:
        return f"{head}…{tail if room - len(tail) < SPARE else name[-room:]}"
    head = max(1, (most - 1) // 3)
    return f"{name[:head]}…{name[head + 1 - most :]}"


def _without_endings(names: Sequence[str], most: int) -> dict[str, str]:
    """Name → the name without an ending that several share, where it is too long and stays the only one of its kind."""
    stems = {name: ENDING.sub("", name) or name for name in names}
    endings = Counter(name[len(stems[name]) :] for name in names)
    of_stem = Counter(stems.values())
    return {
        name: stem if len(name) > most and endings[name[len(stem) :]] >= SHARED and of_stem[stem] == 1 else name
        for name, stem in stems.items()
    }


def _apart(whole: Sequence[str], names: Sequence[str], most: int, taken: set[str]) -> dict[str, str]:
    """Labels of names that would look alike: what they begin and end with in common gives way."""
    start = _common(whole)
    end = _common([name[:start:-1] for name in whole])
    labels: dict[str, str] = {}
    for number, (key, name) in enumerate(zip(names, whole, strict=True)):
        differing = len(name) - end - start
        room = most - 2 - differing  # characters beside what tells it apart
        first = start
        last = min(len(name), len(name) - end + max(0, room))
        if last == len(name) and room > end:
            first = max(0, last - most + 1)
        label = f"{'…' * (first > 0)}{cut(name[first:last], most - 2)}{'…' * (last < len(name))}"
        if label in labels.values() or label in taken:
            label = f"{number + 1} {cut(name, most - 4)}"
        labels[key] = label
    return labels


def _common(names: Sequence[str]) -> int:
    """How many characters all names begin with."""
    letters = enumerate(zip(*names, strict=False))
    return next((i for i, column in letters if len(set(column)) > 1), min(map(len, names), default=0))
