"""Repeated substrings against brute force and a suffix array, on real, random and periodic text."""

import random
import shutil
from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl
import pytest
from datatrove.pipeline.base import PipelineStep
from pydantic import ValidationError
from pydivsufsort import divsufsort, kasai
from repeated import (
    Text,
    assert_true,
    find,
    in_order,
    masks,
    run_here,
    small,
    spans_by_id,
    truth,
    whole_characters,
    write_texts,
)
from support import SAMPLE, read_lines

from pipeline.dedup import fingerprints, repeats
from pipeline.dedup.repeats import RepeatSettings, find_repeats
from pipeline.dedup.trim import trim
from pipeline.dedup.windows import BLOCK
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings


def real_texts(source: str, most: int) -> list[str]:
    return [row["text"] for row in read_lines(SAMPLE / source / "00000.jsonl.zst", most)]


def planted(length: int, source: str, seed: int = 5) -> list[Text]:
    """Real texts, some of which get pieces of others at odd places: one byte short, exact, one more, and long."""
    draw = random.Random(seed)
    texts = [text.encode() for text in real_texts(source, 60)]
    for size in [length - 1, length, length + 1, length + 1, 2 * length, 5 * length]:
        donor = b" ".join(texts)
        start = draw.randrange(len(donor) - size)
        for _ in range(draw.choice([1, 2])):
            taker = draw.randrange(len(texts))
            place = draw.randrange(len(texts[taker]))
            texts[taker] = texts[taker][:place] + donor[start : start + size] + texts[taker][place:]
    dates = ["", "2019-05-01", "2023-01-01T10:00:00Z", "2023-01-01T11:00:00Z"]
    return [
        (f"{draw.getrandbits(96):024x}", draw.choice(dates), text.decode(errors="ignore")) for text in texts
    ]  # fmt: skip


@pytest.mark.parametrize("length", [20, 100, 500])
@pytest.mark.parametrize("source", ["science", "code", "french"])
def test_planted_repeats_in_real_text(tmp_path, length, source):
    assert assert_true(planted(length, source), length, tmp_path) >= 2 * length


def test_texts_longer_than_a_block(tmp_path):
    """The same text lies differently in the blocks of each file."""
    text = "".join(real_texts("books", 30))[: 2 * BLOCK + 5_000]
    text = text.encode("ascii", "ignore").decode()
    texts = [
        ("1", "2024", text),
        ("2", "2023", text[1_000:BLOCK] + "|" + text[BLOCK + 7 :]),
        ("3", "2022", "|" + text[5_000:5_400]),
        ("4", "2022", "~" + text[BLOCK - 40 : BLOCK + 300] + "~"),
    ]
    for files in (1, 4):
        assert assert_true(texts, 100, tmp_path, files=files) > 2 * BLOCK


def test_neither_partitions_nor_files_nor_bounds_of_memory_change_the_outcome(tmp_path, monkeypatch):
    texts = planted(40, "law") + [(f"copy{n}", "2020", "All rights reserved. " * 9 + str(n)) for n in range(40)]
    expected = find(texts, small(40, 10), tmp_path, files=1, partitions=1)
    assert sum(map(len, expected.values())) > 60
    assert find(texts, small(40, 10), tmp_path, files=1, partitions=5) == expected
    shuffled = random.Random(1).sample(texts, len(texts))
    assert find(shuffled, small(40, 10), tmp_path, files=7, partitions=5) == expected
    for module, name, most in ((repeats, "BATCH", 20), (repeats, "SLICE", 2_000), (fingerprints, "PIECE", 500)):
        monkeypatch.setattr(module, name, most)
        assert find(shuffled, small(40, 10), tmp_path, files=2, partitions=2) == expected, name


def test_one_copy_stays(tmp_path):
    """Every removed byte leads, from copy to earlier copy, to one that is kept."""
    texts, length = planted(30, "encyclopedia"), 30
    contents = {id: text.encode() for id, _, text in texts}
    removed = masks(texts, find(texts, small(length), tmp_path))
    first: dict[bytes, tuple[str, int]] = {}
    for id, _, _ in in_order(texts):
        for start in range(len(contents[id]) - length + 1):
            first.setdefault(contents[id][start : start + length], (id, start))
    checked = 0
    for id in removed:
        for place in np.flatnonzero(removed[id])[::7].tolist():
            at = (id, place)
            while removed[at[0]][at[1]]:
                inside = [s for s in range(at[1] - length + 1, at[1] + 1) if 0 <= s <= len(contents[at[0]]) - length]
                copies = [(start, first[contents[at[0]][start : start + length]]) for start in inside]
                start, copy = next((start, copy) for start, copy in copies if copy != (at[0], start))
                at = (copy[0], copy[1] + at[1] - start)
            assert contents[at[0]][at[1]] == contents[id][place]
            checked += 1
    assert checked > 20


def test_of_equal_texts_the_newest_stays_whole(tmp_path):
    text = real_texts("science", 1)[0]
    texts = [
        ("d", "", text),
        ("c", "2020", text),
        ("b", "2024-02", text),
        ("a", "2024-01", text),
        ("bb", "2024-02", text),
    ]
    found = find(texts, RepeatSettings(), tmp_path)
    assert [id for id, spans in found.items() if not spans] == ["b"]
    assert {spans[0] for id, spans in found.items() if id != "b"} == {(0, len(text.encode()))}


def test_gaps_between_removed_spans_close_and_edges_stay(tmp_path):
    one, two = (text[:300] for text in real_texts("science", 2))
    texts = [("0", "2024", f"{one}##{two}")]
    for gap, own in ((1, "="), (49, "+"), (50, "%")):
        texts.append((f"{gap}", "2020", own * 7 + one + own * gap + two + own * 7))
    found = find(texts, RepeatSettings(min_bytes=100, max_gap=50), tmp_path)
    assert found == {"0": [], "1": [(7, 608)], "49": [(7, 656)], "50": [(7, 307), (357, 657)]}


def test_spans_shrink_to_whole_characters(tmp_path):
    body = "x" + real_texts("science", 1)[0][:200] + "y"
    assert body.isascii()
    texts = [("1", "2024", f"é{body}é"), ("2", "2023", f"©{body}è")]  # C3 A9 … C3 A9 and C2 A9 … C3 A8
    assert masks_of_truth(texts, 100) == {"1": [], "2": [(1, 205)]}
    found = find(texts, RepeatSettings(min_bytes=100), tmp_path)
    assert found == {"1": [], "2": [(2, 204)]}
    left = trim(texts[1][2], found["2"])
    assert left == f"©\n{body.split()[-1]}è"  # words stay whole: the last one goes on with è


def masks_of_truth(texts: Sequence[Text], length: int) -> dict[str, list[tuple[int, int]]]:
    return {
        id: [tuple(edge) for edge in np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2).tolist()]
        for id, mask in sorted(truth(texts, length).items())
    }


def test_documents_that_are_lost_already_are_no_copies(tmp_path):
    text = real_texts("science", 1)[0]
    texts = [("a", "2024", text), ("b", "2023", text), ("c", "2022", text), ("d", "2021", text)]
    documents = write_texts(texts, 2, tmp_path / "documents")
    lost = [tmp_path / "exact", tmp_path / "near"]
    for folder, file, row in zip(lost, (0, 1), (0, 1), strict=True):  # a and d
        folder.mkdir()
        pl.DataFrame({"file": [file], "row": [row], "id": ["?"]}).write_parquet(folder / "00000.parquet")
    find_repeats(documents, lost, RepeatSettings(), 2, tmp_path / "out", run_here)
    assert spans_by_id(documents, tmp_path / "out") == {"a": [], "b": [], "c": [(0, len(text.encode()))], "d": []}


def test_nothing_to_find(tmp_path):
    texts = [("a", "2024", "short"), ("b", "2024", ""), ("c", "2024", real_texts("science", 1)[0])]
    assert find(texts, RepeatSettings(), tmp_path) == {"a": [], "b": [], "c": []}
    twins = [("a", "2024", texts[2][2]), ("b", "2024", texts[2][2])]
    assert find(twins, RepeatSettings(enabled=False), tmp_path) == {"a": [], "b": []}
    with pytest.raises(ValidationError, match="min_bytes"):
        RepeatSettings(min_bytes=99)


def test_a_killed_run_goes_on(tmp_path):
    """Real executor: killed after the second step, with one rank of each step undone."""
    texts = planted(100, "science")
    expected = find(texts, RepeatSettings(min_bytes=100), tmp_path / "whole", files=2, partitions=3)
    documents = write_texts(texts, 2, tmp_path / "documents")
    out = tmp_path / "out"
    started = []

    def run(last: str, name: str, steps: Sequence[PipelineStep], ranks: int) -> None:
        started.append(name)
        run_steps("deduplicate", steps, ranks, out / "logs" / name, ExecutorSettings(workers=1))
        if name == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_repeats(documents, [], RepeatSettings(min_bytes=100), 3, out, partial(run, "repeats-3"))
    assert started == ["fingerprints", "repeats-3"]
    for name, made in (("fingerprints", "texts"), ("repeats-3", "spans-3")):
        (out / "logs" / name / "completions" / "00001").unlink()
        shutil.rmtree(out / "work" / made / "00001")
        (out / "work" / made / ".00001.77").mkdir()  # what a killed rank leaves
    kept = {path: path.stat().st_mtime_ns for path in (out / "work").rglob("00000/*")}
    with pytest.raises(KeyboardInterrupt):
        find_repeats(documents, [], RepeatSettings(min_bytes=100), 3, out, partial(run, "spans"))
    assert kept == {path: path.stat().st_mtime_ns for path in (out / "work").rglob("00000/*")}
    (out / "logs" / "spans" / "completions" / "00001").unlink()
    (out / "repeats" / "00001.parquet").unlink()
    find_repeats(documents, [], RepeatSettings(min_bytes=100), 3, out, partial(run, ""))
    assert spans_by_id(documents, out) == expected
    assert not (out / "work").exists()


@pytest.mark.parametrize("length", [100, 500])
def test_the_same_as_a_suffix_array(tmp_path, length):
    """One megabyte of real text with repeats, sorted by all its suffixes."""
    draw = random.Random(length)
    texts = [(f"{n:05d}", draw.choice(["", "2021", "2022"]), text) for n, text in enumerate(real_texts("code", 165))]
    for number in range(25):
        id, date, text = draw.choice(texts)
        texts.append((f"{number:05d}x", date, text[draw.randrange(300) : 2_000] + id))
    ordered = in_order(texts)
    content = b"\xff".join(text.encode() for _, _, text in ordered)
    assert len(content) > 1_000_000
    suffixes = divsufsort(content)
    common = kasai(content, suffixes)  # with the next suffix
    group = np.cumsum(np.append(True, common[:-1] < length))
    inside = np.ones(len(content) + 1, dtype=bool)
    for end in [*np.flatnonzero(np.frombuffer(content, np.uint8) == 0xFF).tolist(), len(content)]:
        inside[max(end - length + 1, 0) : end + 1] = False
    suffixes, group = suffixes[inside[suffixes]], group[inside[suffixes]]
    order = np.lexsort((suffixes, group))
    second = order[1:][np.diff(group[order]) == 0]
    covered = np.zeros(len(content) + 1, dtype=np.int64)
    np.add.at(covered, suffixes[second], 1)
    np.add.at(covered, suffixes[second] + length, -1)
    removed = np.cumsum(covered)[:-1] > 0
    assert removed.mean() > 0.02
    ours = masks(texts, find(texts, small(length), tmp_path))
    place = 0
    for id, _, text in ordered:
        size = len(text.encode())
        np.testing.assert_array_equal(ours[id], whole_characters(text, removed[place : place + size]))
        place += size + 1
