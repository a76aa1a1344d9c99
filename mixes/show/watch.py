"""Progress of a step that takes seconds: a bar in a terminal or a notebook, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watch_steps(name: str, show: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Yields `report(done, total)`. The bar goes away when the step ends."""
    if not (show and (sys.stderr.isatty() or "ipykernel" in sys.modules)):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(transient=True, console=Console(stderr="ipykernel" not in sys.modules)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
