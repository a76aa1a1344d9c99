"""Text from data as a terminal shows it: never an escape that the terminal would obey."""

import re

# Controls, marks that turn the direction of writing, and halves of characters; tabs and line ends are for the caller.
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
LINE = 600  # characters of a line that says what is wrong; more is cut out of its middle
TAIL = 200  # of them at the end, where the fix is named


def printable(text: str) -> str:
    """The text with odd characters spelled out, as \\x1b."""
    return ODD.sub(lambda odd: odd[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, line ends and tabs spelled out too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def bounded(line: str) -> str:
    """One line of at most LINE characters; what is too much is cut out of its middle."""
    start = line if len(line) <= 10 * LINE else line[: 5 * LINE] + line[-5 * LINE :]
    shown = one_line(start)
    return shown if len(shown) <= LINE else f"{shown[: LINE - TAIL]} […] {shown[-TAIL:]}"
