"""What a blend is asked to hold, and what comes of it by domain, before anything is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mixes.hashes import short_hash
from mixes.proxy.tokens import id_type
from mixes.upsampling import UpsamplingSettings
from pipeline.blend.copies import UNUSED, Use
from pipeline.blend.formats.registry import format_named
from pipeline.blend.manifest import Manifest
from pipeline.blend.rates import Bucket, buckets_of, tokens_to_reach
from pipeline.errors import PipelineError
from pipeline.pool.pool import Pool

TOLERANCE = 1e-6  # share by which a domain may be over its epochs: rounding of weights
FIELDS = 300  # bytes of a record besides its text (assumed)
VERSION = 1  # raised when the same request would be written otherwise


@dataclass(frozen=True)
class Request:
    """A blend that is asked for."""

    recommendation: str
    experiment: str
    mix: Mapping[str, float]
    tokens: int
    format_name: str
    seed: int
    shard_tokens: int
    upsampling: UpsamplingSettings | None
    epochs: Mapping[str, float]  # domain → most times that it may repeat, earlier blends counted
    after: Manifest | None = None  # the blend that this one goes on from
    without_text: frozenset[str] = field(default_factory=frozenset)  # sources that came tokenised


@dataclass(frozen=True)
class DomainPlan:
    """What is asked of a domain."""

    domain: str
    weight: float
    tokens: float
    epochs: float  # of this blend
    used_epochs: float  # with earlier blends


@dataclass(frozen=True)
class Plan:
    """A request made ready for a pool.

    Raises:
        PipelineError: more of a domain than its epochs allow, or another pool than the earlier blend's.
        MixError: more of a domain than the upsampling curve can give.
    """

    request: Request
    pool: Pool

    def __post_init__(self) -> None:
        after = self.request.after
        if after and after.pool != self.pool.folder.name:
            raise PipelineError(
                f"--after: {after.id} was written from {after.pool}, and the pool is now {self.pool.folder.name}: what "
                "it used cannot be told from what is new — leave --after out, or restore that pool's sources"
            )
        self._check_text()
        self._check_epochs()

    @cached_property
    def buckets(self) -> list[Bucket]:
        """The pool's buckets, in the order in which everything here lists them."""
        return buckets_of(self.pool)

    @cached_property
    def earlier(self) -> list[Use]:
        """How far each bucket was used before."""
        uses = self.request.after.uses if self.request.after else {}
        return [uses.get((bucket.domain, bucket.number), UNUSED) for bucket in self.buckets]

    @cached_property
    def reach(self) -> list[float]:
        """Tokens of each bucket that are used once the blend is written."""
        asked, used = self.request, [float(use.tokens) for use in self.earlier]
        return tokens_to_reach(self.buckets, asked.mix, asked.tokens, asked.upsampling, used)

    @cached_property
    def domains(self) -> list[DomainPlan]:
        """What is asked of each domain, those without weight among them."""
        rows = []
        for name, domain in self.pool.domains.items():
            weight = self.request.mix.get(name, 0.0)
            tokens = weight * self.request.tokens
            rows.append(
                DomainPlan(name, weight, tokens, tokens / domain.tokens, (self._used(name) + tokens) / domain.tokens)
            )
        return rows

    def _used(self, domain: str) -> int:
        return sum(
            use.tokens for use, bucket in zip(self.earlier, self.buckets, strict=True) if bucket.domain == domain
        )

    @cached_property
    def id(self) -> str:
        """Hash of all that decides the blend's bytes."""
        asked = self.request
        content = [
            VERSION, self.pool.folder.name, sorted(asked.mix.items()), asked.tokens, asked.format_name, asked.seed,
            asked.shard_tokens, asked.upsampling.model_dump() if asked.upsampling else None,
            asked.after.id if asked.after else None, asked.recommendation,
        ]  # fmt: skip
        return f"blend-{short_hash(json.dumps(content))}"

    @property
    def order_seed(self) -> int:
        """Seed of the order in which documents are taken."""
        return self.request.after.order_seed if self.request.after else self.request.seed

    @cached_property
    def carried_bytes(self) -> int:
        """Bytes of the documents on their way: of ids exactly, of records nearly."""
        repeats = [
            (reach - use.tokens) / bucket.tokens
            for reach, use, bucket in zip(self.reach, self.earlier, self.buckets, strict=True)
        ]
        if self._carries_ids:
            sizes = [self.token_bytes * bucket.tokens for bucket in self.buckets]
        else:
            sizes = [bucket.bytes + FIELDS * bucket.documents for bucket in self.buckets]
        return round(sum(size * repeat for size, repeat in zip(sizes, repeats, strict=True)))

    @property
    def _carries_ids(self) -> bool:
        return format_named(self.request.format_name).carried == "ids"

    @property
    def token_bytes(self) -> int:
        """Bytes of a token id."""
        return id_type(self.pool.vocabulary).itemsize

    def _check_text(self) -> None:
        for name, domain in self.pool.domains.items():
            if domain.source in self.request.without_text and self.request.mix.get(name) and not self._carries_ids:
                raise PipelineError(
                    f"--format {self.request.format_name}: domain {name!r} came as tokens, so there is no text of it — "
                    "take megatron, olmo-core or datatrove"
                )

    def _check_epochs(self) -> None:
        asked = self.request
        over = {
            row.domain: row.used_epochs - asked.epochs.get(row.domain, float("inf"))
            for row in self.domains
            if row.weight and row.used_epochs > asked.epochs.get(row.domain, float("inf")) * (1 + TOLERANCE)
        }
        if not over:
            return
        room = {
            row.domain: max(0.0, (asked.epochs[row.domain] - row.used_epochs + row.epochs) / row.epochs)
            for row in self.domains
            if row.domain in over
        }
        worst = min(room, key=lambda name: room[name])
        plan = next(row for row in self.domains if row.domain == worst)
        excess = over[worst] * self.pool.domains[worst].tokens
        others = f" (and {len(over) - 1} more domains)" if len(over) > 1 else ""
        raise PipelineError(
            f"--tokens {asked.tokens:,}: domain {worst!r}{others} would be repeated {plan.used_epochs:.2f} times and "
            f"its cap is {asked.epochs[worst]:g}: {excess:,.0f} tokens of it too many — ask for at most "
            f"{room[worst] * asked.tokens:,.0f} tokens, or for a recommendation with this budget"
        )
