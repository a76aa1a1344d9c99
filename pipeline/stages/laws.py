"""The laws of a swarm and its imagined worlds, made once for its scores and kept as stages.

Neither depends on what is asked, and both are addressed by the runs' content. So another target, limit or budget, or
the same swarm read from another file, finds them. Where they are kept is the caller's to say: beside an experiment's
other stages, or in the user's cache folder (pipeline/store/cache.py).
"""

import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from mixes.certainty.fitted import (
    FittedSwarm,
    evidence_id,
    fit_swarm,
    fitted_from_arrays,
    fitted_to_arrays,
    keepable,
    worlds_from_arrays,
    worlds_to_arrays,
)
from mixes.certainty.worlds import Worlds
from mixes.errors import MixError
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import imagined, recommend
from mixes.recommendation.result import Recommendation
from pipeline.store.arrays import read_arrays, write_arrays
from pipeline.store.stage import Stage, StageStore

LAWS_VERSION = 1  # raised when a law's numbers would change …
WORLDS_VERSION = 1  # … or a world's
FILE = "arrays.npz"
DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, MixError)

Note = Callable[[str], None]
T = TypeVar("T")


def recommend_once_fitted(question: Question, stages: StageStore | None, note: Note) -> Recommendation:
    """The recommendation; laws and worlds that `stages` hold are taken from there, and others are put there.

    stages: where they are kept; None keeps nothing. note: is told what was fitted, how long it took, what was damaged.

    Raises:
        MixError: as `recommend`.
    """
    fitted_by = (question.runs, question.settings.law, question.seed, question.seeds)
    fit = partial(fit_swarm, *fitted_by, note)
    if stages is None:
        return recommend(question, fit())
    stage = Stage("laws", LAWS_VERSION, None, (evidence_id(*fitted_by),))
    fitted = _kept(
        stages, stage, fit, lambda laws: fitted_to_arrays(laws) if keepable(laws) else {},
        lambda arrays: fitted_from_arrays(arrays, question.runs, question.seeds), note,
    )  # fmt: skip
    return recommend(question, fitted, partial(_worlds, stages, stage.id, fitted, question.seed, note))


def _worlds(stages: StageStore, laws: str, fitted: FittedSwarm, seed: int, note: Note, count: int) -> Worlds:
    return _kept(
        stages, Stage("worlds", WORLDS_VERSION, {"count": count, "seed": seed}, (laws,)),
        lambda: imagined(fitted, count, seed), lambda worlds: worlds_to_arrays(worlds) if keepable(fitted) else {},
        lambda arrays: worlds_from_arrays(arrays, fitted), note,
    )  # fmt: skip


def _kept(
    stages: StageStore,
    stage: Stage,
    make: Callable[[], T],
    to_arrays: Callable[[T], Mapping[str, np.ndarray]],
    from_arrays: Callable[[Mapping[str, np.ndarray]], T],
    note: Note,
) -> T:
    """What a stage holds, or what is made and put there. A stage without arrays holds what cannot be kept."""
    made: list[T] = []

    def work(folder: Path) -> None:
        made.append(make())
        write_arrays(folder / FILE, to_arrays(made[0]))

    folder = stages.run(stage, work)
    with suppress(OSError):
        os.utime(folder)  # used just now: a cache deletes what was not for longest
    if not made:
        try:
            arrays = read_arrays(folder / FILE)
            return from_arrays(arrays) if arrays else make()
        except DAMAGED as error:
            note(f"{folder}: damaged ({type(error).__name__}), made anew")
            shutil.rmtree(folder)
            stages.run(stage, work)
    return made[0]
