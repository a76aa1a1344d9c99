"""A recommendation over an experiment's pool, made ready for a trainer."""

from collections.abc import Mapping, Sequence

import numpy as np

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.recommended import Recommended, most_epochs
from flows.trainers.handover import HandOver, Part, TokenFile, Vocabulary, keep_drawable
from mixes.proxy.tokens import id_type
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.upsampling import UpsamplingSettings, most_tokens
from pipeline.blend.rates import Bucket, buckets_of, repeats_of
from pipeline.pool.pool import TRAIN, VALIDATION, Pool
from pipeline.stages.graph import finished_pool
from pipeline.store.tokenizer import vocabulary_hash

ALIKE = 1e-9  # buckets whose repeats differ by less, relatively, repeat alike
ROUNDING = 1e-6  # share by which tokens may exceed a cap (assumed): a weight that lies on its cap is rounded


def handover_of(recommended: Recommended, tokens: float | None = None, batch: int | None = None) -> HandOver:
    """What to tell a trainer of a recommendation.

    tokens: of the training run; None takes the recommendation's budget, or as much of it as the pool can give within
    the caps. batch: tokens of the trainer's global batch; the run is cut to whole batches.

    Raises:
        ExperimentError: the pool cannot give these tokens within the caps.
    """
    recommendation, pool = recommended.recommendation, recommended.pool
    buckets = buckets_of(pool)
    most_of = _most_by_domain(buckets, recommended)
    most = min(most_of[domain] / weight for domain, weight in recommendation.mix.items() if weight)
    budget = recommendation.budget or sum(bucket.tokens for bucket in buckets)
    wanted, notes = tokens or min(budget, most), []
    if tokens is None and budget > most * (1 + ROUNDING):
        notes.append(
            f"The recommendation is for {budget:,.0f} tokens; within its caps the pool gives {most:,.0f} of its mix."
        )
    if batch:
        if wanted < batch:
            raise ExperimentError(
                f"--global-batch {batch:,}: is more than the {wanted:,.0f} tokens of the training run"
            )
        wanted = wanted // batch * batch
    _check_wanted(wanted, most, most_of, recommendation.mix)
    repeats = repeats_of(buckets, recommendation.mix, min(wanted, most), recommended.upsampling)
    parts, left_out = keep_drawable(_parts(pool, buckets, repeats, wanted, recommended))
    return HandOver(
        recommendation=recommendation.id,
        pool=pool.folder.resolve(),
        tokens=wanted,
        parts=parts,
        left_out=left_out,
        validation={name: tuple(files) for name, files in _files(pool, VALIDATION).items()},
        vocabulary=vocabulary_of(pool),
        tokenised=pool.tokenised.resolve(),
        batch=batch,
        notes=tuple(notes),
    )


def handover_of_asked(recommendation: Recommendation, experiment: Experiment, settings: RecommendSettings) -> HandOver:
    """What to tell a trainer of a recommendation that was just made; settings: what was asked."""
    pool = Pool(finished_pool(experiment.corpus))
    epochs = most_epochs(recommendation, dict(settings.limits.epochs))
    return handover_of(Recommended(recommendation, pool, experiment.upsampling, epochs, settings))


def vocabulary_of(pool: Pool) -> Vocabulary:
    """How the pool's texts became numbers."""
    return Vocabulary(
        tokenizer=(pool.folder / "tokenizer.json").resolve(),
        size=pool.vocabulary,
        digest=vocabulary_hash(pool.tokenizer),
        dtype=id_type(pool.vocabulary),
        end=str(pool.manifest["end"]),
        end_id=pool.end_token,
    )


def mix_handover(name: str, pool: Pool, mix: Mapping[str, float], tokens: float, cap: float) -> HandOver:
    """A mix of a swarm, whose domains repeat evenly."""
    files = _files(pool, TRAIN)
    parts = [_part(domain, None, files[domain], mix.get(domain, 0.0), tokens, cap) for domain in files]
    drawable, left_out = keep_drawable(parts)
    return HandOver(name, pool.folder.resolve(), tokens, drawable, left_out, {}, vocabulary_of(pool), pool.tokenised)


def _files(pool: Pool, split: str) -> dict[str, list[TokenFile]]:
    """Domain → its token files that hold anything, in the pool's order."""
    files: dict[str, list[TokenFile]] = {name: [] for name in pool.domains}
    folder = pool.tokenised.resolve() / "tokens"
    for file in pool.manifest["files"]:
        if file["split"] == split and file["tokens"]:
            files[file["domain"]].append(
                TokenFile(folder / file["file"], file.get("bucket", 0), file["documents"], file["tokens"])
            )
    return files


def _parts(
    pool: Pool, buckets: Sequence[Bucket], repeats: Sequence[float], tokens: float, recommended: Recommended
) -> list[Part]:
    """One part per domain, or one per bucket where they repeat unevenly."""
    files, upsampling = _files(pool, TRAIN), recommended.upsampling
    mix, parts = recommended.recommendation.mix, []
    for domain in files:
        of_domain = [
            (bucket, repeat) for bucket, repeat in zip(buckets, repeats, strict=True) if bucket.domain == domain
        ]
        rates = np.array([repeat for _, repeat in of_domain])
        if upsampling is None or np.ptp(rates) <= ALIKE * rates.max(initial=0):
            share, cap = mix.get(domain, 0.0), recommended.epochs[domain]
            parts.append(_part(domain, None, files[domain], share, tokens, cap))
            continue
        for bucket, repeat in of_domain:
            of_bucket = [file for file in files[domain] if file.bucket == bucket.number]
            share = repeat * bucket.tokens / tokens
            parts.append(_part(domain, bucket.number, of_bucket, share, tokens, upsampling.cap))
    return parts


def _part(domain: str, bucket: int | None, files: Sequence[TokenFile], share: float, tokens: float, cap: float) -> Part:
    return Part(
        domain=domain,
        bucket=bucket,
        share=share,
        held=float(sum(file.tokens for file in files)),
        documents=sum(file.documents for file in files),
        planned=share * tokens,
        cap=cap,
        files=tuple(files),
    )


def _most_by_domain(buckets: Sequence[Bucket], recommended: Recommended) -> dict[str, float]:
    """Domain → most tokens that a training run may read of it."""
    sizes: dict[str, list[float]] = {}
    for bucket in buckets:
        of_domain = sizes.setdefault(bucket.domain, [])
        of_domain.extend([0.0] * (bucket.number + 1 - len(of_domain)))
        of_domain[bucket.number] = float(bucket.tokens)
    upsampling = recommended.upsampling
    return {domain: _most(np.array(held), recommended.epochs[domain], upsampling) for domain, held in sizes.items()}


def _most(sizes: np.ndarray, epochs: float, upsampling: UpsamplingSettings | None) -> float:
    even = epochs * float(sizes.sum())
    return min(even, most_tokens(sizes, upsampling)) if upsampling else even


def _check_wanted(tokens: float, most: float, most_of: Mapping[str, float], mix: Mapping[str, float]) -> None:
    """See that every domain can give its share.

    Raises:
        ExperimentError: naming the worst domain, and by how much it falls short.
    """
    if tokens > most * (1 + ROUNDING):
        worst = max(most_of, key=lambda domain: mix.get(domain, 0.0) / most_of[domain])
        wanted = mix[worst] * tokens
        raise ExperimentError(
            f"--tokens {tokens:,.0f}: {wanted:,.0f} tokens are wanted of domain {worst!r}, which may give "
            f"{most_of[worst]:,.0f} within its cap: {wanted - most_of[worst]:,.0f} too many — ask for at most "
            f"{int(most):,}, or for a recommendation with a larger --max-epochs"
        )
