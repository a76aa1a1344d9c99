"""What every proxy of a swarm shares, which decides its scores with its mix and its seed."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.proxy.settings import ProxySettings
from mixes.swarm import Candidate
from pipeline.pool.pool import Pool

VERSION = 2  # raised when a proxy's scores would change
VALIDATION_SEQUENCES = 16  # of each domain that a proxy is scored on


@dataclass(frozen=True)
class Evidence:
    """What every proxy of a swarm shares."""

    pool: Path
    suite: Path
    proxy: ProxySettings
    kept: Mapping[str, int] | None = None  # domain → sequences read of it (mixes/proxy/repetition.py); None is all

    def run_id(self, candidate: Candidate) -> str:
        """`run-` and twelve hexadecimal digits."""
        if candidate.run:
            return candidate.run
        content = [
            VERSION, self.pool.name, self.suite.name, self.proxy.decisive(), self.start,
            sorted(candidate.weights.items()), candidate.seed,
        ]  # fmt: skip
        if self.kept is not None:
            content.append(sorted(self.kept.items()))
        return "run-" + short_hash(json.dumps(content))

    def runs_hash(self, candidates: Sequence[Candidate]) -> str:
        """Hash of the candidates' run ids, in order."""
        return short_hash("".join(map(self.run_id, candidates)))

    @cached_property
    def readable(self) -> dict[str, int]:
        """Domain → tokens that a proxy can read before it repeats them."""
        if self.kept is None:
            return {name: domain.tokens for name, domain in Pool(self.pool).domains.items()}
        return {name: sequences * self.proxy.context for name, sequences in self.kept.items()}

    def epochs(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Domain → how often a proxy on such a mix reads what it can read of it."""
        return {name: weight * self.proxy.trained / self.readable[name] for name, weight in weights.items()}

    def caps(self, max_epochs: float) -> dict[str, float]:
        """Domain → largest weight at which a proxy reads it no more often than that."""
        return {name: max_epochs * tokens / self.proxy.trained for name, tokens in self.readable.items()}

    @cached_property
    def start(self) -> str | None:
        """Hash of the proxy that all start from: its content counts, not where it lies.

        Raises:
            MixError: it cannot be read.
        """
        if not self.proxy.init_from:
            return None
        try:
            with open(self.proxy.init_from, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MixError(
                f"proxy.init_from: {self.proxy.init_from}: {error.strerror} — give the file of a saved proxy"
            ) from None


def check_epochs(evidence: Evidence, candidates: Iterable[Candidate], max_epochs: float) -> None:
    """See that no proxy reads a domain more often than that.

    Raises:
        MixError: one would; it names mix and domain.
    """
    rounded = 0.5 * evidence.proxy.context if evidence.kept else 0.0  # tokens: sequences are kept whole
    fix = "train on less" + (", lower recommend.budget where repetition is matched" if evidence.kept else "")
    for candidate in candidates:
        for domain, epochs in evidence.epochs(candidate.weights).items():
            if epochs > max_epochs * (1 + rounded / evidence.readable[domain]):
                raise MixError(
                    f"proxy.tokens: {evidence.proxy.trained:,} tokens of mix {candidate.mix!r} repeat domain "
                    f"{domain!r} {epochs:.1f} times, the cap is {max_epochs:g} — {fix}, or raise swarm.max_epochs"
                )
