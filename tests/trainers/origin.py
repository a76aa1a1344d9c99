"""Of which domain a drawn sample is, by the pool's own files, and what shares were drawn."""

import hashlib
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow.parquet as pq

from pipeline.pool.pool import TRAIN, Pool

STRETCH = 16  # tokens that tell a domain's texts from another's (assumed)
DEVIATIONS = 4  # standard deviations that a share may be off where samples are drawn at random


class Origin:
    """Looks samples up in a pool."""

    def __init__(self, pool: Pool, dtype: np.dtype) -> None:
        self.dtype = dtype
        self.content = {name: [path.read_bytes() for path in paths] for name, paths in pool.files(TRAIN).items()}
        self.texts: dict[str, tuple[str, int]] = {}
        for path in sorted((pool.tokenised / "pool").glob("*.parquet")):
            for row in pq.read_table(path, columns=["text", "domain", "tokens", "split"]).to_pylist():
                if row["split"] == TRAIN and row["text"] is not None:
                    self.texts[hashlib.sha256(row["text"].encode()).hexdigest()] = (row["domain"], row["tokens"])

    def of_text(self, digest: str) -> tuple[str, int]:
        """Domain and tokens of a training document; a KeyError where the pool has no such text."""
        return self.texts[digest]

    def of_tokens(self, tokens: list[int]) -> set[str]:
        """Domains in whose files these ids follow each other: as a rule one."""
        wanted = np.array(tokens, dtype=self.dtype).tobytes()
        return {
            name for name, files in self.content.items() if any(_aligned(file, wanted, self.dtype) for file in files)
        }

    def of_parts(self, tokens: list[int]) -> set[str]:
        """The same where a sample joins what is apart in the pool: by its first stretch that one domain alone has."""
        for start in range(0, len(tokens) - STRETCH, STRETCH):
            if len(domains := self.of_tokens(tokens[start : start + STRETCH])) == 1:
                return domains
        return set()


def _aligned(content: bytes, wanted: bytes, dtype: np.dtype) -> bool:
    place = content.find(wanted)
    while place >= 0 and place % dtype.itemsize:
        place = content.find(wanted, place + 1)
    return place >= 0


def drawn_tokens(samples: Iterable[dict], origin: Origin) -> Counter[str]:
    """Domain → tokens drawn; a sample that several domains hold alike counts for none of them."""
    drawn: Counter[str] = Counter()
    for sample in samples:
        if "text" in sample:
            domain, tokens = origin.of_text(sample["text"])
            drawn[domain] += tokens
            continue
        domains = origin.of_tokens(sample["tokens"]) or origin.of_parts(sample["tokens"])
        assert domains, f"the pool holds no such tokens: {sample['tokens'][:20]}"
        if len(domains) == 1:
            drawn[domains.pop()] += len(sample["tokens"])
    return drawn


def drawn_documents(samples: Iterable[dict], origin: Origin) -> Counter[str]:
    """Domain → documents drawn."""
    return Counter(origin.of_text(sample["text"])[0] for sample in samples)


def shares(counts: Counter[str]) -> dict[str, float]:
    """Domain → share of what was drawn."""
    return {name: count / counts.total() for name, count in sorted(counts.items())}


def sampling_error(share: float, samples: int) -> float:
    """How far the share of `samples` random draws may be off."""
    return DEVIATIONS * float(np.sqrt(share * (1 - share) / samples)) + 1 / samples
