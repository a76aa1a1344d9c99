"""Step 2 of a blend: from the index alone, how far each bucket is used, and where the shuffled blend is cut.

All of it reads the index in parts and keeps histograms, so memory does not grow with the pool.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.blend.copies import Use, Uses, order_of, place_of
from pipeline.blend.layout import Cut
from pipeline.blend.rates import Bucket
from pipeline.blend.rows import read_index

ROWS = 1 << 20  # documents looked at together
BITS = 12  # of a hash, by which a bucket's documents are counted
AHEAD = 1_000  # documents behind the boundary among which what still fits is looked for
PLACE_BITS = 20  # of a place, by which the blend is cut
WHOLE = 1e-9  # share of a bucket to which a whole copy is told from a part


@dataclass(frozen=True)
class Index:
    """The rows of all ranks."""

    folder: Path
    ranks: int
    seed: int  # of the order in which documents are taken

    def parts(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows, at most ROWS at a time, and where their documents stand in the order (n,)."""
        for rank in range(self.ranks):
            rows = read_index(self.folder, rank)
            for first in range(0, len(rows), ROWS):
                part = np.array(rows[first : first + ROWS])
                yield part, order_of(part["id"], self.seed)


def choose_documents(index: Index, buckets: list[Bucket], reach: list[float], earlier: list[Use]) -> list[Use]:
    """How far each bucket is used after this blend.

    reach: tokens of each bucket that are to be used, those of earlier blends among them. What a bucket cannot give,
    since its next documents are too long, the next bucket of its domain gives. A domain gives never more than it
    should, and less only where no document is left that is short enough.
    """
    starts = [_started(*given) for given in zip(buckets, reach, earlier, strict=True)]
    wanted = [limit - use.tokens for limit, use in zip(reach, starts, strict=True)]
    windows, uses = _windows(index, starts, wanted), list(starts)
    for domain in dict.fromkeys(bucket.domain for bucket in buckets):
        own = [place for place, bucket in enumerate(buckets) if bucket.domain == domain]
        left = 0.0
        for place in own:
            if wanted[place] > WHOLE * buckets[place].tokens:
                left += wanted[place]
                uses[place] = _fill(starts[place], left, windows[place], buckets[place].tokens)
                left -= uses[place].tokens - starts[place].tokens
        for place in reversed(own):  # what is still left, from the best bucket that has a document to fit it
            bucket, copies = buckets[place], starts[place].copies
            if uses[place].copies == copies and reach[place] / bucket.tokens > copies + WHOLE:
                left -= _fill_rest(uses, place, left, windows[place], bucket.tokens)
    return uses


def _started(bucket: Bucket, reach: float, earlier: Use) -> Use:
    """The use to begin from: whole copies, and the earlier blends' documents where they are of the same copy."""
    copies = int((reach + WHOLE * bucket.tokens) // bucket.tokens)
    if copies <= earlier.copies:
        return earlier
    return Use(copies=copies, tokens=copies * bucket.tokens)


@dataclass(frozen=True)
class Window:
    """The documents of a bucket around the boundary of its use, in their order."""

    edge: int  # hash at which it begins
    before: int  # tokens of the documents before it that are not used yet
    hashes: np.ndarray  # (n,)
    tokens: np.ndarray  # (n,)


def _windows(index: Index, starts: list[Use], wanted: list[float]) -> list[Window]:
    """The window of each bucket of which `wanted` tokens are taken on top of `starts`."""
    bins = 1 << BITS
    uses, size = Uses(starts), len(starts) * bins
    tokens, documents = np.zeros(size), np.zeros(size)
    for rows, hashes in index.parts():
        places = rows["bucket"].astype(np.int64) * bins + (hashes >> np.uint64(64 - BITS)).astype(np.int64)
        free = ~uses.is_ahead(hashes, rows["bucket"])
        tokens += np.bincount(places[free], rows["tokens"][free], size)
        documents += np.bincount(places[free], minlength=size)
    before = np.cumsum(tokens.reshape(-1, bins), axis=1)
    first = (before <= np.maximum(np.array(wanted), 0)[:, None]).sum(axis=1)  # (n_buckets,) bin of the boundary
    counted = np.cumsum(documents.reshape(-1, bins), axis=1)
    start = np.where(first > 0, np.take_along_axis(counted, np.maximum(first - 1, 0)[:, None], 1)[:, 0], 0)
    last = (counted < (start + AHEAD)[:, None]).sum(axis=1)  # the bin with which enough documents are seen
    found: list[list[np.ndarray]] = [[] for _ in starts]
    for rows, hashes in index.parts():
        place, bucket = (hashes >> np.uint64(64 - BITS)).astype(np.int64), rows["bucket"]
        near = (place >= first[bucket]) & (place <= last[bucket]) & ~uses.is_ahead(hashes, bucket)
        order = np.flatnonzero(near)[np.argsort(bucket[near], kind="stable")]
        numbers, begins = np.unique(bucket[order], return_index=True)
        for number, own in zip(numbers.tolist(), np.split(order, begins[1:]), strict=False):
            found[number].append(np.stack([hashes[own], rows["tokens"][own].astype(np.uint64)]))
    windows = []
    for number, parts in enumerate(found):
        table = np.concatenate([np.empty((2, 0), np.uint64), *parts], axis=1)
        table = table[:, np.argsort(table[0], kind="stable")]
        taken = before[number, first[number] - 1] if first[number] else 0.0
        edge = int(first[number]) << (64 - BITS)
        windows.append(Window(edge, int(taken), table[0], table[1].astype(np.int64)))
    return windows


def _fill(start: Use, wanted: float, window: Window, size: int) -> Use:
    """The use after all documents before the window, and of those in it the ones that fit, in their order; size: tokens
    of the bucket."""
    tokens, left = window.tokens, wanted - window.before
    chosen = np.zeros(len(tokens), dtype=bool)
    whole = int(np.searchsorted(np.cumsum(tokens), left, side="right"))
    chosen[:whole] = True
    left -= float(tokens[:whole].sum())
    for place in range(whole, len(tokens)):
        if tokens[place] <= left:
            chosen[place] = True
            left -= float(tokens[place])
    total = start.tokens + window.before + int(tokens[chosen].sum())
    if total == (start.copies + 1) * size:
        return Use(copies=start.copies + 1, tokens=total)
    passed, hashes = np.flatnonzero(~chosen), window.hashes
    below = int(hashes[passed[0]]) if len(passed) else int(hashes[-1]) + 1 if len(hashes) else window.edge
    ahead = {*start.also, *hashes[chosen].tolist()}
    return Use(start.copies, max(below, start.below), tuple(sorted(place for place in ahead if place >= below)), total)


def _fill_rest(uses: list[Use], place: int, left: float, window: Window, size: int) -> int:
    """Take what still fits of a window; returns its tokens."""
    use = uses[place]
    free = ~Uses([use]).is_ahead(window.hashes, np.zeros(len(window.hashes), dtype=np.int64))
    also, taken = set(use.also), 0
    for number in np.flatnonzero(free & (window.tokens <= left)).tolist():
        if window.tokens[number] <= left - taken:
            also.add(int(window.hashes[number]))
            taken += int(window.tokens[number])
    total = use.tokens + taken
    if total == (use.copies + 1) * size:
        uses[place] = Use(copies=use.copies + 1, tokens=total)
    elif taken:
        uses[place] = replace(use, also=tuple(sorted(also)), tokens=total)
    return taken


def cut_blend(index: Index, uses: list[Use], earlier: list[Use], seed: int, piles: int) -> Cut:
    """Cut the blend into `piles` of equal tokens; seed: of the shuffle."""
    bins, size = 1 << PLACE_BITS, len(uses)
    after, before = Uses(uses), Uses(earlier)
    histogram = np.zeros(bins)
    documents, tokens, singles = np.zeros(size), np.zeros(size), np.zeros(size)
    for rows, hashes in index.parts():
        low, high = before.times(hashes, rows["bucket"]), after.times(hashes, rows["bucket"])
        taken = high - low
        documents += np.bincount(rows["bucket"], taken, size)
        tokens += np.bincount(rows["bucket"], taken * rows["tokens"].astype(np.int64), size)
        singles += np.bincount(rows["bucket"], taken > 0, size)
        for copy in range(int(low.min(initial=0)), int(high.max(initial=0))):
            own = (low <= copy) & (copy < high)
            places = place_of(rows["id"][own], seed, copy) >> np.uint64(64 - PLACE_BITS)
            histogram += np.bincount(places.astype(np.int64), rows["tokens"][own], bins)
    reached = np.cumsum(histogram)
    cuts = np.searchsorted(reached, reached[-1] * np.arange(1, piles) / piles)
    edges = tuple(int(cut + 1) << (64 - PLACE_BITS) for cut in cuts)
    return Cut(edges, *(tuple(counts.astype(np.int64).tolist()) for counts in (documents, tokens, singles)))
