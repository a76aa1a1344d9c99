"""The laws of a swarm and its imagined worlds, made once for its scores and kept as stages.

Neither depends on what is asked, and both are addressed by the runs' content. So another target, limit or budget, or
the same swarm read from another file, finds them. Where they are kept is the caller's to say: beside an experiment's
other stages, or in the user's cache folder (pipeline/store/cache.py).
"""

import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from mixes.certainty.at_size import fit_swarm_at
from mixes.certainty.fitted import (
    FittedSwarm,
    evidence_id,
    fitted_from_arrays,
    fitted_to_arrays,
    keepable,
    worlds_from_arrays,
    worlds_to_arrays,
)
from mixes.certainty.worlds import Worlds
from mixes.errors import MixError
from mixes.recommendation.optima import imagined, world_count
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.result import Recommendation
from pipeline.executor.progress import Progress
from pipeline.store.arrays import read_arrays, write_arrays
from pipeline.store.stage import Stage, StageStore

LAWS_VERSION = 4  # raised when a law's numbers would change …
WORLDS_VERSION = 2  # … or a world's
FILE = "arrays.npz"
DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, MixError)

Note = Callable[[str], None]
Watch = Callable[[str], AbstractContextManager[Progress]]  # name → a context that takes (done, total)
T = TypeVar("T")


def unwatched(name: str) -> AbstractContextManager[Progress]:
    """Shows nothing."""
    return nullcontext(lambda done, total: None)


def recommend_once_fitted(
    question: Question, stages: StageStore | None, note: Note, watch: Watch = unwatched
) -> Recommendation:
    """The recommendation; for the arguments see `fitted_once`.

    Raises:
        MixError: as `recommend`.
    """
    fitted, worlds = fitted_once(question, stages, note, watch)
    with watch("recommend"):
        return recommend(question, fitted, lambda _: worlds)


def fitted_once(
    question: Question, stages: StageStore | None, note: Note, watch: Watch = unwatched
) -> tuple[FittedSwarm, Worlds]:
    """Laws and worlds for a question; those that `stages` hold are taken from there, and others are put there.

    stages: where they are kept; None keeps nothing. note: is told what was fitted, how long it took, what was damaged.
    watch: shows the progress of what is made, one name at a time.

    Raises:
        MixError: as `recommend`.
    """
    fitted_by = (question.runs, question.settings.law, question.seed, question.seeds, note, question.at)

    def fit() -> FittedSwarm:
        with watch("laws"):
            return fit_swarm_at(*fitted_by)

    laws = laws_stage(question)
    fitted = _kept(
        stages, laws, fit, lambda fitted: fitted_to_arrays(fitted) if keepable(fitted) else {},
        lambda arrays: fitted_from_arrays(arrays, question.runs, question.seeds), note,
    )  # fmt: skip
    count, seed = world_count(problem_of(question, fitted)), question.seed

    def imagine() -> Worlds:
        with watch("worlds") as progress:
            return imagined(fitted, count, seed, progress)

    worlds = _kept(
        stages, Stage("worlds", WORLDS_VERSION, {"count": count, "seed": seed}, (laws.id,)), imagine,
        lambda worlds: worlds_to_arrays(worlds) if keepable(fitted) else {},
        lambda arrays: worlds_from_arrays(arrays, fitted), note,
    )  # fmt: skip
    return fitted, worlds


def laws_stage(question: Question, law: str | None = None) -> Stage:
    """The stage of a question's laws; law: in place of the one that the question names."""
    given = evidence_id(question.runs, law or question.settings.law, question.seed, question.seeds, question.at)
    return Stage("laws", LAWS_VERSION, None, (given,))


def _kept(
    stages: StageStore | None,
    stage: Stage,
    make: Callable[[], T],
    to_arrays: Callable[[T], Mapping[str, np.ndarray]],
    from_arrays: Callable[[Mapping[str, np.ndarray]], T],
    note: Note,
) -> T:
    """What a stage holds, or what is made and put there. A stage without arrays holds what cannot be kept."""
    if stages is None:
        return make()
    made: list[T] = []

    def work(folder: Path) -> None:
        made.append(make())
        write_arrays(folder / FILE, to_arrays(made[0]))

    folder = replace(stages, note=note).run(stage, work)
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
