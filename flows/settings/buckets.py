"""How often each quality bucket of the pool repeats under a recommended mix."""

from typing import Any

from flows.experiment import Experiment
from flows.settings.question import available_tokens
from mixes.recommendation.result import Recommendation
from mixes.upsampling import bucket_rows
from pipeline.pool.content_hash import bucket_tokens
from pipeline.pool.pool import Pool


def recommended_buckets(experiment: Experiment, pool: Pool, recommendation: Recommendation) -> list[dict[str, Any]]:
    """By the upsampling curve, or by the weights of each domain's parts; nothing where quality decides nothing.

    Raises:
        MixError: a mix that upsampling did not cap.
    """
    if not recommendation.budget or not (experiment.upsampling or experiment.pool.quality_parts):
        return []
    tokens = bucket_tokens(pool, available_tokens(experiment, pool))
    return bucket_rows(recommendation.mix, recommendation.budget, tokens, experiment.upsampling)
