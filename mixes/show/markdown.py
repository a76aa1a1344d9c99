"""Text from data in markdown: names that hold marks, links or HTML are shown as they are written."""

import re
from collections.abc import Sequence

from mixes.show.printable import one_line

MARKS = re.compile(r"[\\`*_{}\[\]<>|~#&!$@]|(?<=:)//|(?<=www)\.")  # those that mean something inside a line, and links


def escaped(text: str) -> str:
    r"""The text as markdown shows it literally, on one line: `a_b|c` becomes `a\_b\|c`."""
    return MARKS.sub(lambda mark: "".join(f"\\{letter}" for letter in mark[0]), one_line(text))


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A head and rows."""
    lines = [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
