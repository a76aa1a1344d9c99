"""What follows in a cell once nothing moves any more: a thread draws it, and stops when the cell runs again."""

import time
from collections.abc import Callable, Iterable

PAUSE = 0.15  # seconds without a move: while a slider moves, only what is quick is drawn


def follow(pieces: Callable[[Callable[[], bool]], Iterable[str]]) -> None:
    """Draw pieces of HTML in the calling cell, each in place of the one before.

    pieces: gets a function that says whether nobody waits any more.
    """
    import marimo as mo

    def draw() -> None:
        thread = mo.current_thread()
        time.sleep(PAUSE)
        if thread.should_exit:
            return
        for html in pieces(lambda: thread.should_exit):
            if not thread.should_exit:
                mo.output.replace(mo.Html(html))

    mo.Thread(target=draw, daemon=True).start()
