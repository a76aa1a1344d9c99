"""The console that tables are printed to. It takes names from data literally, never as markup."""

import sys
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from mixes.show.printable import printable

WIDTH = 120  # of tables that go to a file


class _PlainConsole(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        """A text as it stands, its odd characters spelled out."""
        return super().render_str(printable(text), **options)


def plain_console(file: IO[str] | None = None) -> Console:
    """A console of the terminal's width, or of WIDTH where there is none."""
    width = None if (file or sys.stdout).isatty() else WIDTH
    return _PlainConsole(file=file, width=width, markup=False, emoji=False, highlight=False)
