"""What a report at a size is about: the question that runs of all sizes are asked, and its recorded answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flows.at_size import check_comparable, hash_of_runs, question_over_sizes, with_evidence
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.plan.known import look
from flows.recommended import Recommended, find_recommendation
from flows.settings.question import holdings_of
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.sizes import size_at
from pipeline.pool.pool import Pool

if TYPE_CHECKING:
    import polars as pl

SHOWN = ("run", "size", "parameters", "tokens", "device", "torch", "seconds", "status")  # of a run, in a report


@dataclass(frozen=True)
class AskedOverSizes:
    """A question at a size, and the answer that is recorded of it; None where it is asked anew."""

    question: Question
    pool: Pool
    recommendation: Recommendation | None


def asked_over_sizes(
    experiment: Experiment, at: str | None, found: Recommended | None, settings: RecommendSettings | None
) -> AskedOverSizes:
    """The question, and its answer.

    Args:
        experiment: whose swarm is finished.
        at: the size; None takes that of `found`.
        found: a recorded answer at a size; None takes the latest at `at`, unless there are settings.
        settings: asks anew in place of a recorded answer.

    Raises:
        ExperimentError: the swarm is not finished, nothing is recorded at that size, or it is by other runs than there
            are now.
        MixError: the work folder has runs of one size only, or the size is too far from them.
    """
    check_comparable(experiment)
    known = look(experiment)
    if known.evidence is None or len(known.trained) < len(known.candidates):
        raise ExperimentError(
            f"experiment {experiment.name}: its swarm is not finished as its settings describe it now — run "
            "`mixwright run`"
        )
    size = at or (found.at if found else None) or ""
    question = question_over_sizes(experiment, known.evidence, list(known.candidates), size)
    pool = Pool(known.evidence.pool)
    if settings:
        asked = experiment.model_copy(update={"recommend": settings})
        anew = replace(question, settings=settings, holdings=holdings_of(asked, pool))
        return AskedOverSizes(with_evidence(asked, known.evidence, anew), pool, None)
    found = found or find_recommendation(experiment, at=str(question.at))
    answer = found.recommendation
    if answer.evidence.get("runs") != hash_of_runs(question.runs):
        raise ExperimentError(
            f"recommendation {answer.id}: is by other runs than the work folder now holds of all sizes — ask for it "
            f"again with `recommend-mix` and --at {answer.at}"
        )
    asked = experiment.model_copy(update={"recommend": found.settings})
    question = replace(
        question, settings=found.settings, holdings=holdings_of(asked, pool), evidence=answer.evidence,
        at=size_at(found.at or size, question.runs.sizes),
    )  # fmt: skip
    return AskedOverSizes(question, pool, answer)


def rows_of_runs(records: Path, runs: Sequence[str]) -> "pl.DataFrame":
    """The records of runs of all sizes, as a catalog's table of runs has those of one swarm."""
    import polars as pl

    return pl.concat([pl.read_parquet(records / "runs" / f"{run}.parquet").select(SHOWN) for run in runs]).sort("run")
