"""The laws of recorded answers at other sizes (`recommend-mix --at`) that are still by the runs at hand.

An answer at a size says which laws it is by. It is current while the work folder holds the runs of all sizes that it
rests on, and no others: then the same is asked again of the same laws.
"""

from contextlib import suppress
from functools import partial

from flows.at_size import hash_of_runs
from flows.experiment import Experiment
from flows.recommended import RECOMMENDATION
from flows.show.progress import note
from mixes.errors import MixError
from pipeline.store.stage import read_stage
from pipeline.train.ladder import runs_of_all_sizes
from pipeline.train.setup import Evidence

LAWS = "laws-"  # begins the names of stages of laws


def laws_at_sizes(experiment: Experiment, evidence: Evidence) -> set[str]:
    """The ids of the stages. evidence: of the experiment as it is now."""
    answers: list[tuple[str, list[str]]] = []  # hash of the runs, stages
    for file in (experiment.folder / "stages").glob("recommend-*/recommendation.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):  # damaged: as if it had not been asked for
            answer, inputs = RECOMMENDATION.validate_json(file.read_bytes()), read_stage(file.parent)["inputs"]
            if answer.at and answer.evidence["pool"] == evidence.pool.name:
                answers.append((answer.evidence["runs"], inputs))
    if not answers:
        return set()
    try:
        runs, _ = runs_of_all_sizes(experiment.records, evidence.pool.name, evidence.suite.name, partial(note, "sizes"))
    except MixError:  # none is left
        return set()
    now = hash_of_runs(runs)
    return {name for of_runs, inputs in answers if of_runs == now for name in inputs if name.startswith(LAWS)}
