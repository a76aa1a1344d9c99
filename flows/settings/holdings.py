"""What a recommendation is asked for: tokens that can be had, the budget, caps. Also later rounds of a swarm ask it."""

from typing import Any

from flows.experiment import Experiment
from mixes.budget import budget_tokens
from mixes.recommendation.problem import Holdings
from mixes.upsampling import weight_caps
from pipeline.pool.content_hash import bucket_tokens
from pipeline.pool.pool import Pool


def available_tokens(experiment: Experiment, pool: Pool) -> dict[str, float]:
    """Domain → tokens that a training run can draw on."""
    return pool.available({name: source.full_tokens for name, source in experiment.sources.items()})


def holdings_of(experiment: Experiment, pool: Pool) -> Holdings:
    """The pool's natural mix, its tokens, the budget that they are for (all of them unless said), and caps that
    quality-aware upsampling sets."""
    available = available_tokens(experiment, pool)
    budget = budget_tokens(experiment.recommend.budget, available)
    caps = dict.fromkeys(available, 1.0)
    if experiment.upsampling:
        caps = weight_caps(bucket_tokens(pool, available), budget, experiment.upsampling)
    return Holdings(pool.natural, available, budget, caps)


def question(experiment: Experiment) -> dict[str, Any]:
    """Every setting that decides what is asked: a part of the address of what answers it."""
    return {
        **experiment.recommend.model_dump(),
        "seed": experiment.seed,
        "full_tokens": {name: source.full_tokens for name, source in sorted(experiment.sources.items())},
        "upsampling": experiment.upsampling.model_dump() if experiment.upsampling else None,
    }
