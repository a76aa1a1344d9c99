"""Cuts a scored domain by quality into parts, each a domain of the pool.

Token files lie by quality bucket already, so a part is a run of buckets and nothing is tokenised again. In token files
and documents the domain keeps its own name; `part_by_bucket` says which part a bucket of it belongs to.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixes.quality_parts import PARTS, part_name, whole_of
from pipeline.pool.pool import TRAIN, VALIDATION


def cut_by_quality(files: Sequence[Mapping[str, Any]], parts: int, least: int) -> dict[int, str]:
    """Bucket → part, for the token files of one domain. Parts have about equal tokens of the training split.

    parts: how many. least: each split of a part must hold more tokens than this; otherwise the domain stays whole, and
    nothing is returned.
    """
    tokens = {split: np.zeros(1 + max(file["bucket"] for file in files)) for split in (TRAIN, VALIDATION)}
    for file in files:
        tokens[file["split"]][file["bucket"]] += file["tokens"]
    reached = np.concatenate([[0.0], np.cumsum(tokens[TRAIN])])
    cuts = [int(np.abs(reached - reached[-1] * part / parts).argmin()) for part in range(1, parts)]
    for split in tokens.values():
        if any(part.sum() <= least for part in np.split(split, cuts)):
            return {}
    domain = files[0]["domain"]
    named = [part_name(domain, part) for part in PARTS[parts]]
    return {bucket: named[sum(bucket >= cut for cut in cuts)] for bucket in range(len(reached) - 1)}


def part_by_bucket(files: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """(Domain, bucket) as documents have them → the pool's domain; files: of the pool's manifest."""
    return {(whole_of(file["domain"]), file["bucket"]): file["domain"] for file in files}
