"""How many proxies fit the memory together, where a rank found out: it tells the ranks after it."""

import json
from pathlib import Path

from pipeline.store.writing import write_aside

FILE = "most.json"


def limit_cohorts(folder: Path, proxies: int) -> None:
    """Record that no more proxies fit together."""
    write_aside(folder / FILE, json.dumps(proxies).encode())


def largest_cohort(folder: Path) -> int | None:
    """The largest cohort that fits, where one did not; None where none had to be halved."""
    try:
        return int(json.loads((folder / FILE).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):  # damaged: the next rank that does not fit writes it anew
        return None
