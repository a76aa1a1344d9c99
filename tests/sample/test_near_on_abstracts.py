"""Near duplicates on real abstracts: planted truth, the newest kept, no chains, resume, any number of partitions."""

import random
import re
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from near_pairs import OLMO, corpus, near, removed, run_in
from support import SAMPLE, read_lines

from pipeline.dedup import shingles
from pipeline.dedup.near import GROUP, Candidates, NearSettings, Signatures, find_near
from pipeline.dedup.shingles import band_keys, shingle_sets

PINNED_SHINGLES = [1564533964, 3020082503, 3366671676, 3913174645, 4084308530]
PINNED_KEYS = [422027826046191869, 13814213097593216170]


@pytest.fixture(scope="module")
def abstracts() -> list[list[str]]:
    """Words of 300 real abstracts of 200 words or more, no two of them similar."""
    rows = read_lines(SAMPLE / "science" / "00002.jsonl.zst")
    return [words for row in rows if len(words := row["text"].split()) >= 200][:300]


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
