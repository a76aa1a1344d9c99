"""Writes the training set that a recommendation describes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from flows.catalog.record import record_blend
from flows.experiment import Experiment
from flows.orchestration import flow, run_task
from flows.prepare import with_progress
from flows.recommended import Recommended
from flows.show.progress import note, stage_progress
from pipeline.blend.blend import finished_blend, write_blend
from pipeline.blend.manifest import Manifest
from pipeline.blend.plan import Plan, Request
from pipeline.executor.progress import Progress
from pipeline.pool.check_tokens import DamagedTokens
from pipeline.pool.pool import Pool
from pipeline.read.sources import TOKENS
from pipeline.stages.graph import walk_stages


@dataclass(frozen=True)
class Asked:
    """What `mixwright blend` is asked besides the recommendation."""

    tokens: int
    format_name: str
    shard_tokens: int
    seed: int
    after: Manifest | None = None


def plan_blend(experiment: Experiment, recommended: Recommended, asked: Asked) -> Plan:
    """A blend made ready: everything that can be refused is refused here.

    Raises:
        PipelineError, MixError: see `Plan`.
    """
    recommendation = recommended.recommendation
    request = Request(
        recommendation=recommendation.id, experiment=experiment.id, mix=recommendation.mix, tokens=asked.tokens,
        format_name=asked.format_name, seed=asked.seed, shard_tokens=asked.shard_tokens,
        upsampling=recommended.upsampling, epochs=recommended.epochs, after=asked.after,
        without_text=frozenset(name for name, source in experiment.sources.items() if source.format == TOKENS),
    )  # fmt: skip
    plan = Plan(request, recommended.pool)
    assert plan.reach  # a bucket that cannot give its tokens is refused
    return plan


@flow("blend")
def blend_flow(experiment: Experiment, plan: Plan, folder: Path) -> Manifest:
    """Write a blend and record it; what is finished is kept. A damaged pool is made anew first."""
    finished_blend(plan, folder)  # refuses another's folder
    try:
        manifest = write_blend(plan, folder, experiment.executor, _run_step)
    except DamagedTokens as damaged:
        experiment.corpus.stages.discard(damaged.stage, damaged.reason)
        pool = walk_stages(experiment.corpus, with_progress)
        manifest = write_blend(replace(plan, pool=Pool(pool)), folder, experiment.executor, _run_step)
    for line in describe(plan, manifest):
        note("blend", line)
    record_blend(experiment, manifest, folder)
    return manifest


def _run_step(name: str, work: Callable[[Progress], None]) -> None:
    def shown() -> None:
        with stage_progress(name) as progress:
            work(progress)

    run_task(name, partial(shown))


FAR = 0.001  # of all tokens; a line reports a domain that misses its weight by more


def describe(plan: Plan, manifest: Manifest) -> list[str]:
    """What is worth saying of a finished blend: domains that miss their weights, and domains that ran out."""
    lines = [
        f"domain {row.domain}: {row.share:.2%} of the tokens instead of {row.weight:.2%}, since its documents are long "
        "beside what is asked of it, and none is cut"
        for row in manifest.domains
        if abs(row.share - row.weight) > FAR
    ]
    if plan.request.after:
        for row in manifest.domains:
            again = sum(
                max(0, use.used_tokens - max(use.pool_tokens, use.used_tokens - use.tokens))
                for use in manifest.buckets
                if use.domain == row.domain
            )
            if again and row.used_epochs > 1:
                lines.append(
                    f"domain {row.domain}: exhausted: earlier blends and this one used all of it, and {again:,} of its "
                    f"{row.tokens:,} tokens here are repeated"
                )
    return lines
