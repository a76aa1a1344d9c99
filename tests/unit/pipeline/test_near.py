"""Near duplicates: theory of the bands, words and pairs, on texts made up."""

import os
import resource
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from near_pairs import OLMO, corpus, near, removed

from pipeline.dedup import jaccard
from pipeline.dedup.jaccard import FILES, ShingleSets, document_codes, write_array, write_sets
from pipeline.dedup.keep import choose_kept, judge
from pipeline.dedup.near import GROUP, Candidates, Signatures, _compare
from pipeline.dedup.shingles import band_keys, hash_words


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9])
def test_bands_agree_as_theory_says(share):
    """P(two sets share a band's key) = J¹¹, and P(they share one of 26) = 1 − (1 − J¹¹)²⁶."""
    rng = np.random.default_rng(1)
    size, pairs = 60, 4_000  # shingles of a union, few on purpose: dependent permutations would show first here
    unions = rng.integers(1, 1 << 32, (pairs, size), dtype=np.uint32)
    both, alone = round(share * size), size - round(share * size)
    firsts = unions[:, : both + alone // 2]
    seconds = np.concatenate([unions[:, :both], unions[:, both + alone // 2 :]], axis=1)
    keys = [band_keys(sets.ravel(), np.full(pairs, sets.shape[1]), bands=26, rows=11) for sets in (firsts, seconds)]
    agree = keys[0] == keys[1]  # (pairs, bands)
    chance = (both / size) ** 11
    assert agree.mean() == pytest.approx(chance, abs=5 * np.sqrt(chance / agree.size) + 1e-5)
    some = 1 - (1 - chance) ** 26
    assert agree.any(axis=1).mean() == pytest.approx(some, abs=4 * np.sqrt(some * (1 - some) / pairs))


def test_a_document_is_also_compared_with_what_its_neighbours_lost_to():
    """0 ~ 1 ~ 2; the pair (0, 2) was not found, and counts where it is similar in truth."""
    edges = [(0, 1, 0.9), (1, 2, 0.9)]
    assert judge(edges, lambda document, others: np.full(len(others), 0.85), 0.8) == {1: (0, 0.9), 2: (0, 0.85)}
    assert judge(edges, lambda document, others: np.full(len(others), 0.75), 0.8) == {1: (0, 0.9)}


def test_texts_of_all_kinds(tmp_path):
    """Empty texts are no duplicates, short ones by all their words, unspaced scripts by characters."""
    chinese = "机器学习是人工智能的一个分支它使计算机能够从数据中学习而无需明确编程这是一个非常重要的研究领域"
    documents = {
        "empty": "", "empty2": "", "blank": " \n\t", "dots": "... --- !!!", "dots2": "... --- !!!",
        "short": "Two words", "short2": "two, WORDS!", "swapped": "words two", "longer": "two words more",
        "chinese": chinese, "chinese2": f"{chinese}。", "chinese3": chinese[::-1],
        "greek": "Η ταχεία καφέ αλεπού πηδά πάνω", "greek2": "η ΤΑΧΕΊΑ «καφέ» αλεπού πηδά πάνω",
        "digits": "call 1 2 3 4 5 6 now", "digits2": "call 1 2 3 4 5 7 now",
    }  # fmt: skip
    table = near(corpus(tmp_path / "f", [(id, "", text) for id, text in documents.items()]), tmp_path)
    assert removed(table) == {"short2": "short", "chinese2": "chinese", "greek2": "greek"}


def test_words():
    hashes, counts = hash_words(["It's ONE_word, naïve!", "", "it s one_word NAÏVE", "中文", "文中", "नमस्ते दुनिया"])
    assert counts.tolist() == [4, 0, 4, 2, 2, 2]
    assert hashes[:4].tolist() == hashes[4:8].tolist()
    assert hashes[8:10].tolist() == hashes[10:12].tolist()[::-1]
    assert len(set(hashes.tolist())) == 8


def on_disk(folder: Path, sets: list[np.ndarray]) -> tuple[ShingleSets, np.ndarray]:
    """The sets as those of one file's documents, and the documents."""
    with write_sets(folder, 0) as file:
        for one in sets:
            file.write(one.astype(np.uint32).tobytes())
    write_array(np.cumsum([0, *map(len, sets)]), folder / "shingles" / "00000.npy")
    return ShingleSets(folder), document_codes(0, np.arange(len(sets)))


def test_jaccard_of_many_pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(jaccard, "BATCH", 300)
    rng = np.random.default_rng(3)
    sets = [np.unique(rng.integers(0, 50, rng.integers(1, 60), dtype=np.uint32)) for _ in range(200)]
    held, documents = on_disk(tmp_path, sets)
    expected = [len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in zip(sets[:100], sets[100:], strict=True)]
    assert held.jaccard(documents[:100], documents[100:]).tolist() == expected


@pytest.mark.parametrize(("size", "alike"), [(GROUP, True), (GROUP, False), (GROUP + 9, True), (GROUP + 9, False)])
def test_pairs_that_are_compared(tmp_path, size, alike):
    """All of a small group; of a crowded one those of 50 leaders, who settle what is similar to them."""
    sets, documents = on_disk(tmp_path, [np.array([1, 2, 3] if alike else [n, n + 1]) for n in range(size)])
    crowded = size > GROUP
    shared = pl.DataFrame({"key": [0, 1] * size, "document": np.repeat(documents, 2), "crowded": crowded}).sort("key")
    found = _compare(shared, 0.8, sets)
    assert found.select("a", "b").is_unique().all()
    led = size - 1 if alike else sum(size - 1 - leader for leader in range(GROUP))
    assert len(found) == (led if crowded else size * (size - 1) // 2)


def test_open_files_do_not_grow_with_the_number_of_files(tmp_path):
    files = 200
    texts = [f"some words that number {n % files} has in common with one in another file" for n in range(2 * files)]
    documents = [(f"{n:04d}", "", text) for n, text in enumerate(texts[:files] + texts[files:][::-1])]
    filtered = corpus(tmp_path / "f", documents, files)
    for file in range(files):
        Signatures(filtered, (), OLMO, tmp_path).run(None, file, files)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 2 * FILES + 10, hard))
    try:
        Candidates(filtered, OLMO, tmp_path).run(None, 0, 1)
        choose_kept(filtered, tmp_path, 0.8)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(pl.read_parquet(tmp_path / "near" / "*.parquet")) == files
