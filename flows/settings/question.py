"""What an experiment asks: its runs, what is available of each domain, and its `recommend:` section as one `Question`.

Later rounds of a swarm ask the same as the recommendation does.
"""

from collections.abc import Mapping
from typing import Any

from flows.experiment import Experiment
from mixes.budget import budget_tokens
from mixes.optimum.holdings import Holdings
from mixes.recommendation.question import Question
from mixes.swarm import Candidate
from mixes.upsampling import weight_caps
from pipeline.pool.content_hash import bucket_tokens
from pipeline.pool.pool import Pool
from pipeline.suite import suite_families
from pipeline.train.checkpoint_scores import read_checkpoint
from pipeline.train.records import read_runs
from pipeline.train.setup import Evidence


def available_tokens(experiment: Experiment, pool: Pool) -> dict[str, float]:
    """Domain → tokens that a training run can draw on."""
    return pool.available({name: source.full_tokens for name, source in experiment.sources.items()})


def holdings_of(experiment: Experiment, pool: Pool) -> Holdings:
    """The pool's natural mix, its tokens, and caps that quality-aware upsampling sets at the budget."""
    available = available_tokens(experiment, pool)
    caps = dict.fromkeys(available, 1.0)
    if experiment.upsampling:
        budget = budget_tokens(experiment.recommend.budget, available)
        caps = weight_caps(bucket_tokens(pool, available), budget, experiment.upsampling)
    return Holdings(pool.natural, available, caps)


def question_of(
    experiment: Experiment, evidence: Evidence, candidates: list[Candidate], known: Mapping[str, str] | None = None
) -> Question:
    """Which mix is best by the candidates' records; known: hashes of what the answer rests on.

    Raises:
        MixError: a candidate has no record, or too many diverged.
    """
    return Question(
        runs=read_runs(evidence, candidates, experiment.records),
        families=suite_families(evidence.suite),
        holdings=holdings_of(experiment, Pool(evidence.pool)),
        settings=experiment.recommend,
        seed=experiment.seed,
        seeds={evidence.run_id(candidate): candidate.seed for candidate in candidates},
        checkpoint=read_checkpoint(evidence, experiment.records),
        evidence=known or {},
    )


def question_address(experiment: Experiment) -> dict[str, Any]:
    """Every setting that decides what is asked: a part of the address of what answers it."""
    return {
        **experiment.recommend.model_dump(),
        "seed": experiment.seed,
        "full_tokens": {name: source.full_tokens for name, source in sorted(experiment.sources.items())},
        "upsampling": experiment.upsampling.model_dump() if experiment.upsampling else None,
    }
