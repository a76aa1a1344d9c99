"""What an executor is given: the steps of a stage, its ranks, and where they keep their marks and logs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.executor.settings import Stage
from pipeline.store.files import rank_name
from pipeline.store.writing import write_aside

ABOUT = "work.json"
PICKLED = "executor.pik"
PartOf = Callable[[int], str]  # rank → what it works on, as its shard


def nameless(rank: int) -> str:
    """Of ranks that work on nothing that has a name."""
    return ""


@dataclass(frozen=True)
class Work:
    """The steps of a stage over its ranks."""

    stage: Stage
    steps: Sequence
    ranks: int
    logs: Path
    gpus: int = 0  # that each rank takes
    part_of: PartOf = nameless

    @property
    def completions(self) -> Path:
        """Where datatrove marks the ranks that are finished."""
        return self.logs / "completions"

    @property
    def pickled(self) -> Path:
        """The steps as a job reads them: addresses with their secrets among them, so no longer there than needed."""
        return self.logs / PICKLED

    def announce(self) -> None:
        """Write down what begins, for whoever looks at the folder from outside."""
        about = {"stage": self.stage, "ranks": self.ranks}
        write_aside(self.logs / ABOUT, json.dumps(about).encode())

    def unfinished(self) -> list[int]:
        """The ranks without a mark."""
        done = {file.name for file in self.completions.glob("*")}
        return [rank for rank in range(self.ranks) if rank_name(rank) not in done]


def announced_ranks(logs: Path) -> int | None:
    """How many ranks were announced in a folder of logs; None where none were."""
    try:
        return int(json.loads((logs / ABOUT).read_bytes())["ranks"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def rank_log(logs: Path, rank: int) -> Path:
    """Where a rank logs what it does."""
    return logs / "logs" / f"task_{rank_name(rank)}.log"
