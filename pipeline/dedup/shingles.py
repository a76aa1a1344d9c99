"""Texts as sets of hashed word n-grams (shingles), and their min-hashes in bands, all in numpy.

A word is a run of letters, marks, digits and underscores, lower-cased; everything else separates. In scripts
that put no space between words each character is a word. Digits stay as they are. A text with fewer words than
an n-gram has one shingle, all its words; a text without words has none.

No word is ever a Python string: characters become code points, code points 64-bit values, and a word's hash is
the sum of its characters' values, each times a power of an odd base (a polynomial hash modulo 2⁶⁴). On science
abstracts that is 4.5 times as fast as `re.findall` on lower-cased text and a hash a word (measured, one core).
No constant depends on the machine or the process; only the classes of characters are those of Python's Unicode.

Shingles are 32 bits wide: they take half the disk of 64, and of a set of n shingles n²/2³³ pairs are expected to
collide (0.0001 at n = 1,000), which moves a Jaccard similarity by 1/n.
"""

import unicodedata
from functools import cache

import numpy as np

from pipeline.unspaced import BLOCKS

BLOCK = 1 << 18  # characters hashed at a time; 2¹⁵ to 2²⁰ are equally fast (measured)
LISTED = 1 << 17  # code points below this are classified one by one; planes 2 and 3 are all ideographs
SEPARATES, WITHIN, ALONE = 0, 1, 2  # kinds of characters
BASE = 0x9E3779B97F4A7C15  # of a word's polynomial; odd, so that it has an inverse modulo 2⁶⁴
STEP = 0xD1342543DE82EF95  # of an n-gram's polynomial over its words


def mix(values: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit integers in which each bit of the result depends on every bit of the value.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hash_words(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(words,) 64-bit hashes of all words in order, and (texts,) how many each text has."""
    joined = "\n".join(texts)
    hashes, starts = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    begin = 0
    while begin < len(joined):
        end = _block_end(joined, begin)
        block_hashes, block_starts = _hash_block(joined[begin:end])
        hashes.append(block_hashes)
        starts.append(block_starts + begin)
        begin = end
    text_ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    words_before = np.searchsorted(np.concatenate(starts), text_ends)
    return np.concatenate(hashes), np.diff(words_before, prepend=0)


def shingle_sets(texts: list[str], ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """(shingles,) the texts' sets of uint32, one after another, each ascending; (texts,) the sets' sizes."""
    words, counts = _padded(*hash_words(texts), ngram)
    if not len(words):
        return np.empty(0, np.uint32), counts
    grams = words[: len(words) - ngram + 1].copy()
    for place in range(1, ngram):
        grams *= np.uint64(STEP)
        grams += words[place : len(grams) + place]
    within_text = np.ones(len(words), dtype=bool)
    text_ends = np.cumsum(counts)[counts > 0]
    for place in range(1, ngram):
        within_text[text_ends - place] = False
    within_text = within_text[: len(grams)]
    text = np.repeat(np.arange(len(texts), dtype=np.uint64) << np.uint64(32), counts)[: len(grams)]
    # 0 becomes 1, since every permutation of `band_keys` would leave it the smallest.
    keyed = (text | np.maximum(mix(grams) >> np.uint64(32), np.uint64(1)))[within_text]
    keyed.sort()
    keyed = keyed[np.concatenate([[True], keyed[1:] != keyed[:-1]])]
    return keyed.astype(np.uint32), np.bincount((keyed >> np.uint64(32)).astype(np.int64), minlength=len(texts))


def band_keys(shingles: np.ndarray, sizes: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """(sets, bands) 64-bit keys: two sets agree in a band's key where they agree in all its `rows` min-hashes.

    A permutation is x → a·x modulo 2³² with a random odd a. An addend, as in Carter and Wegman's a·x + b, is not
    needed here: the x are hashes themselves, so each member of a set is equally likely to become the smallest,
    and two sets' minima agree with the probability of their Jaccard similarity (Broder 1997); `benchmarks/near.py`
    measures it. One permutation at a time over all sets keeps numpy's loops long: it takes half the time of all
    permutations of one set at a time (measured).

    Args:
        shingles: (shingles,) uint32, the sets one after another, none of them empty.
        sizes: (sets,) how many shingles each has.
        bands: how many keys.
        rows: min-hashes of a key.
    """
    starts = np.cumsum(sizes) - sizes
    odd = mix(np.arange(1, bands * rows + 1, dtype=np.uint64)) | np.uint64(1)
    multipliers = (odd & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    weights = mix(odd)  # of the min-hashes in a key
    permuted, smallest = np.empty_like(shingles), np.empty(len(sizes), np.uint32)
    keys = np.empty((len(sizes), bands), np.uint64)
    for band in range(bands):
        key = np.full(len(sizes), band, np.uint64)
        for number in range(band * rows, (band + 1) * rows):
            np.multiply(shingles, multipliers[number], out=permuted)
            np.minimum.reduceat(permuted, starts, out=smallest)
            key += smallest * weights[number]
        keys[:, band] = mix(key)
    return keys


def _block_end(joined: str, begin: int) -> int:
    """Where a block ends: behind white space, so that only a word longer than a block is ever cut."""
    if len(joined) - begin <= BLOCK:
        return len(joined)
    last = max(joined.rfind(" ", begin, begin + BLOCK), joined.rfind("\n", begin, begin + BLOCK))
    return last + 1 if last >= 0 else begin + BLOCK


def _hash_block(block: str) -> tuple[np.ndarray, np.ndarray]:
    """(words,) hashes and (words,) places of first characters."""
    kinds, values = _characters()
    powers, inverses = _powers()
    # Indices of numpy's own width, and clipped ones, spare a conversion and a check a character.
    points = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.intp)
    kind = np.take(kinds, points, mode="clip")
    begins = kind != SEPARATES
    begins[1:] &= (kind[1:] != kind[:-1]) | (kind[1:] == ALONE)
    starts = np.flatnonzero(begins)
    if not len(starts):
        return np.empty(0, np.uint64), starts
    terms = np.take(values, points, mode="clip")  # 0 where a character separates
    terms *= powers[: len(terms)]
    return np.add.reduceat(terms, starts) * inverses[starts], starts


def _padded(words: np.ndarray, counts: np.ndarray, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """The words with every text that has some, but fewer than `ngram`, filled up with zeros; the new counts."""
    padded = np.where(counts > 0, np.maximum(counts, ngram), 0)
    if np.array_equal(padded, counts):
        return words, counts
    filled = np.zeros(padded.sum(), np.uint64)
    shift = np.cumsum(padded - counts) - (padded - counts)  # (texts,) zeros before each text
    filled[np.arange(len(words)) + np.repeat(shift, counts)] = words
    return filled, padded


@cache
def _characters() -> tuple[np.ndarray, np.ndarray]:
    """Tables by code point, kind and 64-bit value; the last entry stands for all code points from there on."""
    listed = [chr(point) for point in range(LISTED)]
    kinds = np.full(2 * LISTED + 1, WITHIN, np.uint8)
    kinds[:LISTED] = [unicodedata.category(character)[0] in "LMN" or character == "_" for character in listed]
    kinds[-1] = SEPARATES
    for first, last in BLOCKS:
        kinds[first : last + 1] *= ALONE
    lower = np.arange(len(kinds), dtype=np.uint64)
    lower[:LISTED] = [ord(character.lower()[0]) for character in listed]
    return kinds, mix(lower + np.uint64(1)) * (kinds != SEPARATES)


@cache
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """(BLOCK,) powers of BASE modulo 2⁶⁴, and those of its inverse."""
    powers = np.ones((2, BLOCK), np.uint64)
    for row, base in zip(powers, (BASE, pow(BASE, -1, 1 << 64)), strict=True):
        np.multiply.accumulate(np.full(BLOCK - 1, base, np.uint64), out=row[1:])
    return powers[0], powers[1]
