"""Brings the catalog up to date with the records: one process at a time, for all that have recorded meanwhile.

Whoever has recorded waits for its turn, and mostly finds the catalog built with its record in it. So eight that record
at once take about two builds, not eight. Nothing is wrong where two build at once: each build is whole, and one whose
turn was taken from it looks at the records again.
"""

from collections.abc import Callable

from flows.catalog.catalog import rebuild_catalog
from flows.catalog.current import current_records, read_index, shown_swarm
from flows.errors import ExperimentError
from flows.experiment import Experiment
from pipeline.store.lock import locked
from pipeline.store.writing import unheard

LOCK = ".catalog.lock"
TRIES = 10  # builds until one is not disturbed (assumed: more is no coincidence)


def bring_up_to_date(
    experiment: Experiment, pool: str, swarm: str | None, say: Callable[[str], None] = unheard
) -> None:
    """Have the catalog show a pool, a swarm over it, and all that is recorded. swarm: None is the one recorded last.

    Raises:
        ExperimentError: records kept going away while it was built.
    """
    folder = experiment.folder
    for _ in range(TRIES):
        with locked(folder / LOCK) as lock:
            index = read_index(folder, unheard)
            shown = shown_swarm(index, pool, swarm)
            current = current_records(folder, index, pool, shown, say)
            try:
                rebuild_catalog(experiment, current, shown)
            except Exception:
                if _all_there(experiment, current):
                    raise
                continue  # a recommendation that was asked for again has another number now
            if lock.is_ours:
                return
    raise ExperimentError(f"catalog: records of {folder} were removed while it was built — run the command again")


def _all_there(experiment: Experiment, current: dict[str, list[str]]) -> bool:
    """Whether all files of records are still there; those of stages may be patterns."""
    folder = experiment.folder
    files = [folder / file for listed in current.values() for file in listed]
    return all(file.exists() for file in files if "*" not in file.name)
