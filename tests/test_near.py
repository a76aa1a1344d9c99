"""Near duplicates on real abstracts: planted truth, the newest kept, no chains, resume, any number of partitions."""

import os
import random
import re
import resource
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import SAMPLE, read_lines

from pipeline.dedup import jaccard, shingles
from pipeline.dedup.jaccard import FILES, ShingleSets, document_codes, write_array, write_sets
from pipeline.dedup.keep import choose_kept, judge
from pipeline.dedup.near import GROUP, Candidates, NearSettings, Signatures, _compare, find_near
from pipeline.dedup.shingles import band_keys, hash_words, shingle_sets
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings
from pipeline.store.documents import SCHEMA, content_hash, write_rows

OLMO = NearSettings()
PINNED_SHINGLES = [1564533964, 3020082503, 3366671676, 3913174645, 4084308530]
PINNED_KEYS = [422027826046191869, 13814213097593216170]


@pytest.fixture(scope="module")
def abstracts() -> list[list[str]]:
    """Words of 300 real abstracts of 200 words or more, no two of them similar."""
    rows = read_lines(SAMPLE / "science" / "00002.jsonl.zst")
    return [words for row in rows if len(words := row["text"].split()) >= 200][:300]


def corpus(folder: Path, documents: list[tuple[str, str, str]], files: int = 3) -> Path:
    """A stage's folder of (id, date, text), dealt into files."""
    for file in range(files):
        rows = [
            {"id": id, "source": "x", "url": "", "date": date, "hash": content_hash(text), "bytes": len(text),
             "attributes": "{}", "text": text}
            for id, date, text in documents[file::files]
        ]  # fmt: skip
        write_rows(rows, SCHEMA, folder / "documents" / f"{file:05d}.parquet")
    return folder


def run_in(folder: Path, workers: int = 1):
    def run(name, steps, ranks):
        run_steps(steps, ranks, folder / "logs" / name, ExecutorSettings(workers=workers))

    return run


def near(
    filtered: Path, folder: Path, partitions: int = 2, lost: tuple[Path, ...] = (), settings=OLMO, workers: int = 1
):
    """What `find_near` removes."""
    find_near(filtered, lost, settings, partitions, folder, run_in(folder, workers))
    return pl.read_parquet(folder / "near" / "*.parquet").sort("id")


def removed(table: pl.DataFrame) -> dict[str, str]:
    """Removed id → kept id."""
    return dict(table.select("id", "kept").iter_rows())


def ngrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)} or {tuple(words)}


def truth(a: str, b: str) -> float:
    """Jaccard similarity, by definition."""
    one, other = ngrams(a), ngrams(b)
    return len(one & other) / len(one | other)


def edited(words: list[str], share: float, rng: random.Random, run: bool) -> list[str]:
    """Words with a share of them new, in one run of words or scattered."""
    size = round(share * len(words))
    first = rng.randrange(len(words) - size)
    places = range(first, first + size) if run else rng.sample(range(len(words)), size)
    changed = list(words)
    for place in places:
        changed[place] = f"new{rng.randrange(10_000)}"
    return changed


@pytest.fixture(scope="module")
def planted(abstracts, tmp_path_factory):
    """(folder, texts by id): 300 abstracts, and of each an older edited copy `…-edited`."""
    rng = random.Random(0)
    kinds = [(0.01, False), (0.02, False), (0.05, True), (0.1, True)]
    documents = []
    for number, words in enumerate(abstracts):
        share, run = kinds[number % 4]
        documents.append((f"{number:03d}", "2024-05-01", " ".join(words)))
        documents.append((f"{number:03d}-edited", "2023-01-01", " ".join(edited(words, share, rng, run))))
    rng.shuffle(documents)
    texts = {id: text for id, _, text in documents}
    return corpus(tmp_path_factory.mktemp("planted"), documents), texts


def test_planted_truth(planted, tmp_path):
    """Everything removed is truly similar; of what is similar as much is found as theory says."""
    filtered, texts = planted
    table = near(filtered, tmp_path)
    for id, kept, similarity in table.select("id", "kept", "jaccard").iter_rows():
        assert similarity == truth(texts[id], texts[kept]) >= 0.8
    similar = [truth(texts[id], texts[f"{id}-edited"]) for id in texts if "-" not in id]
    similar = [value for value in similar if value >= 0.8]
    chances = np.array([1 - (1 - value**11) ** 26 for value in similar])
    assert len(similar) > 200
    assert (chances < 0.99).sum() > 30
    found = sum(f"{kept}-edited" == id for id, kept in removed(table).items())
    assert abs(found - chances.sum()) < 4 * np.sqrt((chances * (1 - chances)).sum())
    for id, row, file in table.select("id", "row", "file").iter_rows():
        assert pl.read_parquet(filtered / "documents" / f"{file:05d}.parquet")["id"][row] == id


def test_the_same_bytes_for_any_number_of_partitions_and_workers(planted, tmp_path):
    filtered, _ = planted
    outcomes = []
    for partitions, workers in ((1, 1), (5, 2)):
        folder = tmp_path / str(partitions)
        near(filtered, folder, partitions, workers=workers)
        assert sorted(path.name for path in folder.iterdir()) == ["logs", "near"]
        outcomes.append({path.name: path.read_bytes() for path in (folder / "near").iterdir()})
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 3


def test_order_of_documents_does_not_matter(planted, tmp_path):
    filtered, texts = planted
    documents = [(id, "2023-01-01" if "-" in id else "2024-05-01", texts[id]) for id in sorted(texts)]
    other = corpus(tmp_path / "sorted", documents, files=2)
    columns = ["id", "kept", "jaccard"]
    assert near(filtered, tmp_path / "1").select(columns).equals(near(other, tmp_path / "2").select(columns))


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


def test_the_newest_stays_undated_last_ties_by_id(abstracts, tmp_path):
    text = " ".join(abstracts[0])
    dates = {"e": "2019", "d": "2024-01-01", "c": "2024-02-03T10:00:00Z", "b": "2024-02-03T10:00:00Z", "a": ""}
    documents = [(id, date, f"{text} {id}") for id, date in dates.items()]
    assert removed(near(corpus(tmp_path / "f", documents), tmp_path)) == {id: "b" for id in "acde"}


def test_no_chains(abstracts, tmp_path):
    """a ~ b ~ c, but not a ~ c: b goes, c stays."""
    words = abstracts[1][:200]
    a, b, c = words, words[12:] + abstracts[2][:12], words[24:] + abstracts[2][:24]
    texts = [" ".join(text) for text in (a, b, c)]
    assert truth(texts[0], texts[1]) > 0.85 < truth(texts[1], texts[2])
    assert truth(texts[0], texts[2]) < 0.8
    documents = [(id, date, text) for id, date, text in zip("abc", ("2024", "2023", "2022"), texts, strict=True)]
    assert removed(near(corpus(tmp_path / "f", documents), tmp_path)) == {"b": "a"}


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


def test_hashes_are_the_same_everywhere_and_in_any_block(abstracts, monkeypatch):
    """Records of one machine can be compared with those of another, and with older ones."""
    sets, sizes = shingle_sets(["The quick brown fox jumps over the lazy dog."], 5)
    assert sets.tolist() == PINNED_SHINGLES
    assert band_keys(sets, sizes, bands=2, rows=11).tolist() == [PINNED_KEYS]
    texts = [" ".join(words) for words in abstracts[:20]]
    whole = shingle_sets(texts, 5)
    monkeypatch.setattr(shingles, "BLOCK", 1_000)
    for one, other in zip(whole, shingle_sets(texts, 5), strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole[1].tolist() == [len(ngrams(text)) for text in texts]


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


def test_lost_documents_take_no_part(abstracts, tmp_path):
    text = " ".join(abstracts[3])
    filtered = corpus(tmp_path / "f", [(id, "", f"{text} {id}") for id in "abcd"], files=2)  # 0: a, c; 1: b, d
    pl.DataFrame({"file": [0], "row": [0]}).write_parquet(_made(tmp_path / "lost") / "00000.parquet")
    pl.DataFrame({"file": [1], "row": [1]}).write_parquet(tmp_path / "lost" / "00001.parquet")
    assert removed(near(filtered, tmp_path, lost=(tmp_path / "lost",))) == {"c": "b"}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_off(planted, tmp_path):
    table = near(planted[0], tmp_path, settings=NearSettings(enabled=False))
    assert table.is_empty()
    assert len(list((tmp_path / "near").iterdir())) == 3


def test_large_groups_are_led_by_the_newest(abstracts, tmp_path):
    """Two templates of 70 documents each in one group, by a single min-hash: two leaders settle all."""
    shared = abstracts[4][:40]
    templates = [shared + abstracts[5][:160], shared + abstracts[6][:160]]
    documents = [
        (f"{number:02d}{name}", f"{2000 + number % 9}", " ".join([*words, str(number)]))
        for name, words in zip("xy", templates, strict=True) for number in range(GROUP + 20)
    ]  # fmt: skip
    filtered = corpus(tmp_path / "f", documents)
    settings = NearSettings(bands=40, rows=1)
    by_partitions = [near(filtered, tmp_path / str(n), n, settings=settings) for n in (1, 4)]
    expected = {id: f"08{id[-1]}" for id, _, _ in documents if not id.startswith("08")}
    assert removed(by_partitions[0]) == expected
    assert by_partitions[0].equals(by_partitions[1])


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


def test_a_killed_run_goes_on_where_it_was(planted, tmp_path):
    filtered, _ = planted
    whole = near(filtered, tmp_path / "whole")
    folder = tmp_path / "killed"
    run = run_in(folder)
    run("signatures", [Signatures(filtered, (), OLMO, folder)], 3)
    run("candidates", [Candidates(filtered, OLMO, folder)], 2)
    for rank, name, path in ((1, "signatures", "shingles/00001.bin"), (0, "candidates", "edges/00000.parquet")):
        (folder / path).unlink()
        (folder / "logs" / name / "completions" / f"{rank:05d}").unlink()
    untouched = {path: path.stat().st_mtime_ns for path in (folder / "shingles").glob("0000[02].bin")}
    assert len(untouched) == 2
    (folder / ".near").mkdir()  # as if it had been killed while it wrote the outcome
    (folder / ".near" / "00009.parquet").write_bytes(b"half")
    seen = {}

    def watching(name, steps, ranks):
        run(name, steps, ranks)
        seen.update({path: path.stat().st_mtime_ns for path in untouched})

    find_near(filtered, (), OLMO, 2, folder, watching)
    assert seen == untouched
    assert pl.read_parquet(folder / "near" / "*.parquet").sort("id").equals(whole)
    (folder / "bands").mkdir()  # as if it had been killed while it cleared up
    find_near(filtered, (), OLMO, 2, folder, partial(pytest.fail, "nothing is left to run"))
    assert sorted(path.name for path in folder.iterdir()) == ["logs", "near"]
    shutil.rmtree(folder)
