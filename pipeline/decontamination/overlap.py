"""The eval suite as an index of word n-grams, and how much of which items a text contains.

The rules are those of AI2's decon as its documentation states them (github.com/allenai/decon: doc/simple.md,
doc/simple-details.md, config/default.yaml): n-grams of questions in an inverted index; a match goes on over a bounded
run of misses; rare words weigh more; the answer has to stand near, behind the question; a short question leaves more
of the weight to its answer. Two things are our own:

- What counts is the weight of a question's words that stand in a matched n-gram, not the weight of the n-grams: one
  changed word breaks five 5-grams. Measured on 100 planted items of gsm8k and humaneval with 5 % of their words
  changed: 91 found instead of 51, and as little found where nothing is.
- Words are looked up in the suite's own vocabulary, so that no word has to be hashed; and n-grams are tried on a table
  of the hashes' upper bits before they are searched, a quarter of the time (measured), so that none has to be left out.
"""

from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from pipeline.decontamination.questions import WORD, plain

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd: multiplying by it loses nothing
SHORT_ANSWER = 3  # words up to which an answer must stand as a whole (decon: 3 tokens)
ANSWER_NGRAM = 3  # words; of longer answers those count that stand in an n-gram of this size (decon)
SHORT_WINDOW = 50  # words behind a question in which a short answer must begin (decon)
LONG_WINDOW = 100  # … in which a long one must stand, or twice its own length (decon)
MOST_CANDIDATES = 200  # items weighed in one document, the likeliest first: bounds the time of a hostile one
MOST_MATCHES = 20  # places of one document where one item is weighed, those with most of its n-grams first
MOST_MATCHED = 2_000  # characters of a match that are kept
ROUNDING = 1e-6


@dataclass(frozen=True)
class Hit:
    """An item that a text contains."""

    task: str
    item: str
    share: float  # of question and answer
    matched: str  # the text as it can be seen, from the first matched word to the last, cut


@dataclass(frozen=True)
class SuiteIndex:
    """I items; W words of all questions, one behind the other; A words of all answers; G different n-grams.

    An n-gram has a place: the index of its first word among the W.
    """

    ngram: int
    sample_every: int
    max_misses: int
    names: tuple[tuple[str, str], ...]  # (I) task and item
    too_short: NDArray[np.bool_]  # (I) not looked for
    vocabulary: dict[str, int]  # from 1; other words are 0
    grams: Hashes  # (G) ascending
    sieve: NDArray[np.bool_]  # whether any n-gram's hash has these upper bits
    shift: np.uint64  # that leaves those bits
    places: Ints  # (W or fewer) of n-gram g: places[place_starts[g] : place_starts[g + 1]]
    place_starts: Ints  # (G + 1)
    gram_at: Ints  # (W) the n-gram of a place, -1 where none counts
    item_at: Ints  # (W)
    starts: Ints  # (I + 1) of an item's words among the W
    weight: Floats  # (W) an item's sum to 1
    weight_before: Floats  # (W + 1) its running sum
    answers: Ints  # (A) words of the vocabulary
    answer_starts: Ints  # (I + 1)
    answer_weight: Floats  # (A) an item's sum to 1
    question_part: Floats  # (I) of an item's share; the rest is its answer's
    threshold: Floats  # (I) share from which an item counts as contained

    def find(self, text: str) -> list[Hit]:
        """The items that the text contains, the largest share first; at most MOST_CANDIDATES are weighed."""
        text = plain(text)
        words = WORD.findall(text)
        if len(words) < self.ngram:
            return []
        ids = np.fromiter(map(self.vocabulary.get, map(str.lower, words), repeat(0)), np.int64, len(words))
        hashed = hash_ngrams(ids, self.ngram)
        if not len(self._known(hashed[:: self.sample_every])[0]):
            return []
        at, gram = self._known(hashed)
        matches = [(item, *self._best_match(item, ids, at, gram)) for item in self._candidates(gram)]
        matches = [match for match in matches if match[1] >= self.threshold[match[0]] - ROUNDING]
        if not matches:
            return []
        spans = [word.span() for word in WORD.finditer(text)]
        hits = [
            Hit(*self.names[item], round(share, 4), text[spans[first][0] : spans[end - 1][1]][:MOST_MATCHED])
            for item, share, first, end in matches
        ]
        return sorted(hits, key=lambda hit: (-hit.share, hit.task, hit.item))

    def _known(self, hashed: Hashes) -> tuple[Ints, Ints]:
        """Where n-grams of the suite stand in a text, and which."""
        at = np.flatnonzero(self.sieve[hashed >> self.shift])
        gram = np.searchsorted(self.grams, hashed[at])
        same = self.grams[np.minimum(gram, len(self.grams) - 1)] == hashed[at]
        return at[same], gram[same]

    def _candidates(self, gram: Ints) -> list[int]:
        """Items whose share could reach the threshold if all n-grams of the text stood together."""
        gram = np.unique(gram)
        counts = self.place_starts[gram + 1] - self.place_starts[gram]
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        place = np.sort(self.places[np.repeat(self.place_starts[gram], counts) + offsets])
        covered_to = np.concatenate([[0], place[:-1] + self.ngram])
        gain = self.weight_before[place + self.ngram] - self.weight_before[np.maximum(place, covered_to)]
        first = np.flatnonzero(np.diff(self.item_at[place], prepend=-1))
        item = self.item_at[place[first]]
        most = 1 - self.question_part[item] * (1 - np.add.reduceat(gain, first))
        likely = most >= self.threshold[item] - ROUNDING
        return item[likely][np.argsort(-most[likely], kind="stable")][:MOST_CANDIDATES].tolist()

    def _best_match(self, item: int, ids: Ints, at: Ints, gram: Ints) -> tuple[float, int, int]:
        """The item's largest share at one place of the text; its first word there and the one behind its last."""
        grams = self.gram_at[self.starts[item] : self.starts[item + 1]]  # (words)
        own = np.isin(gram, grams)
        at, gram = at[own], gram[own]
        cluster = np.cumsum(np.diff(at, prepend=at[0]) > self.max_misses + 1)
        distinct = np.bincount(np.unique(cluster * len(self.grams) + gram) // len(self.grams))
        best = (0.0, 0, 0)
        for chosen in np.argsort(-distinct, kind="stable")[:MOST_MATCHES]:
            begin, stop = np.searchsorted(cluster, [chosen, chosen + 1])
            first, end = int(at[begin]), int(at[stop - 1]) + self.ngram
            matched = np.isin(grams, gram[begin:stop])
            asked = self.weight[self.starts[item] : self.starts[item + 1]][spread(matched, self.ngram)].sum()
            behind = self._question_end(grams, matched, at[begin:stop], gram[begin:stop])
            answered, answer_end = self._answer(item, ids, behind)
            share = float(self.question_part[item] * asked + (1 - self.question_part[item]) * answered)
            best = max(best, (share, first, max(end, answer_end)), key=lambda match: match[0])
        return best

    def _question_end(self, grams: Ints, matched: NDArray[np.bool_], at: Ints, gram: Ints) -> int:
        """The word behind a matched question: of its last n-gram, that may stand in the answer too, the likeliest."""
        last = int(np.flatnonzero(matched)[-1])
        where = at[gram == grams[last]]
        expected = at[0] + last - np.argmax(grams == gram[0])
        return int(where[np.argmin(abs(where - expected))]) + self.ngram

    def _answer(self, item: int, ids: Ints, behind: int) -> tuple[float, int]:
        """The share of the item's answer that stands near behind word `behind`, and the word behind it."""
        mine = slice(self.answer_starts[item], self.answer_starts[item + 1])
        answer = self.answers[mine]
        short = len(answer) <= SHORT_ANSWER
        size = len(answer) if short else ANSWER_NGRAM
        window = ids[behind : behind + (SHORT_WINDOW + size - 1 if short else max(LONG_WINDOW, 2 * len(answer)))]
        if not size or len(window) < size:
            return 0.0, behind
        there, wanted = hash_ngrams(window, size), hash_ngrams(answer, size)
        matched, at = np.isin(wanted, there), np.flatnonzero(np.isin(there, wanted))
        if not len(at):
            return 0.0, behind
        covered = spread(np.pad(matched, (0, size - 1)), size)
        return self.answer_weight[mine][covered].sum(), behind + int(at[0 if short else -1]) + size


def hash_ngrams(ids: Ints, n: int) -> Hashes:
    """A 64-bit hash of every n ids in a row: (len(ids) - n + 1)."""
    numbers = ids.astype(np.uint64)
    count = max(len(ids) - n + 1, 0)
    hashed = numbers[:count].copy()
    for offset in range(1, n):
        hashed *= MULTIPLIER
        hashed += numbers[offset : offset + count]
    return hashed


def spread(first: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Words that stand in an n-gram of which the first words are given; both (words)."""
    covered = first.copy()
    for offset in range(1, n):
        covered[offset:] |= first[:-offset]
    return covered
