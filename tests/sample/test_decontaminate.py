"""Items of a real suite, planted in real documents: what is found, and what must not be."""

import json
import random
import re
from collections import defaultdict

import polars as pl
import pytest
import zstandard
from datatrove.data import Document
from support import SAMPLE, read_lines, write_lines

from pipeline.decontamination.decontaminate import Decontaminate, DecontaminateSettings, build_index
from pipeline.decontamination.overlap import MOST_CANDIDATES, MOST_MATCHED
from pipeline.decontamination.questions import WORD, find_labels, question, words

SETTINGS = DecontaminateSettings()
LONG = ("codex_humaneval", "gsm8k", "hellaswag", "minerva_math_algebra")  # tasks whose items are 50 words and more
ITEMS = 50  # of each task


@pytest.fixture(scope="module")
def suite():
    """Task → its first rows; each row with its own question, as the labels of its task tell."""
    rows = defaultdict(list)
    with (SAMPLE / "suite.jsonl.zst").open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as unpacked:
        for line in unpacked.read().splitlines():
            row = json.loads(line)
            if len(rows[row["task"]]) < ITEMS:
                rows[row["task"]].append({**row, "item": str(row["item"])})
    for members in rows.values():
        labels = find_labels([row["context"] for row in members])
        for row in members:
            row["question"] = question(row["context"], labels).strip()
    return dict(rows)


@pytest.fixture(scope="module")
def index(suite):
    return build_index(flat(suite), SETTINGS)


@pytest.fixture(scope="module")
def texts():
    """Real documents of several kinds that contain no item."""
    sources = {"science": 300, "encyclopedia": 300, "code": 40, "math": 40, "good_prose": 100}
    return [
        row["text"] for source, most in sources.items() for row in read_lines(SAMPLE / source / "00000.jsonl.zst", most)
    ]


def flat(suite):
    return [row for members in suite.values() for row in members]


def checkable(suite, index):
    short = dict(zip(index.names, index.too_short.tolist(), strict=True))
    return [row for row in flat(suite) if not short[row["task"], row["item"]]]


def name(row):
    return row["task"], row["item"]


def found(index, text):
    return {(hit.task, hit.item) for hit in index.find(text)}


def answer_repeats(row):
    """Whether the answer says again what was asked: then it can stand for both."""
    asked, answer = words(row["question"]), " ".join(words(row["continuation"]))
    return any(" ".join(asked[n : n + 5]) in answer for n in range(len(asked) - 4))


def plant(text, row, between="\n"):
    """The item's question and answer in the middle of a text."""
    middle = text.index(" ", len(text) // 2)
    return f"{text[:middle]}\n\n{row['question']}{between}{row['continuation']}\n{text[middle:]}"


def edited(text, share, rng):
    """A text of which each word is, with a chance, another one."""
    return re.sub(
        r"\S+", lambda word: rng.choice(("lamp", "seven", "quiet")) if rng.random() < share else word[0], text
    )


def test_every_item_is_found_verbatim_in_a_document_of_any_kind(suite, index, texts):
    rows = checkable(suite, index)
    assert {row["task"] for row in rows} == set(suite)
    for number, row in enumerate(rows):
        host = texts[number % len(texts)] + " and so on"
        assert name(row) in found(index, plant(host, row)), name(row)
        assert name(row) in found(index, row["context"] + row["continuation"]), name(row)


def test_case_punctuation_and_white_space_do_not_matter(suite, index, texts):
    for number, row in enumerate(checkable(suite, index)[::3]):
        text = plant(texts[number % 300], row)
        for changed in (text.upper(), re.sub(r"\W+", " ", text), re.sub(r"\s+", " ¶\n\n\t“—” ", text)):
            assert name(row) in found(index, changed), name(row)


@pytest.mark.parametrize("every", [1, 4, 10])
def test_sampling_misses_no_item_at_any_offset(suite, texts, every):
    index = build_index(flat(suite), SETTINGS.model_copy(update={"sample_every": every}))
    for row in checkable(suite, index)[:: 2 * every]:
        for offset in range(every):
            text = "filler " * offset + plant(texts[7], row)
            assert name(row) in found(index, text), (name(row), offset)


def test_sampling_counts_the_items_that_it_could_miss(suite, texts):
    whole, sampled = (build_index(flat(suite), SETTINGS.model_copy(update={"sample_every": n})) for n in (1, 10))
    fewer = {name(row) for row in checkable(suite, whole)} - {name(row) for row in checkable(suite, sampled)}
    assert fewer
    assert all(len(words(row["question"])) < 14 for row in flat(suite) if name(row) in fewer and row["task"] == "csqa")


def test_a_few_changed_words_do_not_hide_a_long_item(suite, index, texts):
    rng = random.Random(1)
    rows = [row for row in checkable(suite, index) if row["task"] in LONG]
    shares = {}
    for rate in (0.05, 0.1, 0.3):
        there = 0
        for row in rows:
            changed = {**row, "question": edited(row["question"], rate, rng)}
            changed["continuation"] = edited(row["continuation"], rate, rng)
            there += name(row) in found(index, plant(texts[5], changed))
        shares[rate] = there / len(rows)
    assert shares[0.05] > 0.8
    assert shares[0.1] > 0.5
    assert shares[0.3] < 0.05


def test_a_question_is_no_contamination_without_its_answer_near_behind_it(suite, index, texts):
    rows = [row for row in checkable(suite, index) if len(words(row["continuation"])) > 3 and not answer_repeats(row)]
    assert len(rows) > 350
    far = " ".join(texts[:8])
    assert len(words(far)) > 600
    for row in rows:
        answer = row["continuation"]
        assert name(row) not in found(index, plant(texts[11], {**row, "continuation": ""})), name(row)
        assert name(row) not in found(index, plant(texts[11], row, between=f"\n{far}\n")), name(row)
        assert name(row) not in found(index, plant(texts[11], {**row, "question": answer, "continuation": ""}))
        assert name(row) in found(index, plant(texts[11], row, between="\nHere is how it is done, step by step:\n"))


def test_what_a_task_puts_around_its_items_is_none_of_them(suite, index):
    for task in ("gsm8k", "minerva_math_algebra", "squad", "codex_mbpp", "coqa"):
        for row in suite[task][:10]:
            around = row["context"].replace(row["question"], " ")
            assert row["question"] not in around
            assert len(words(around)) > 20 or task == "codex_mbpp"
            hits = found(index, around + row["continuation"])
            assert name(row) not in hits if task == "coqa" else not hits, name(row)  # there, what went before is asked


def test_an_item_is_found_without_what_its_task_puts_around_it(suite, index, texts):
    for row in suite["codex_mbpp"]:
        problem = row["question"].split("```")[1]
        assert name(row) in found(index, plant(texts[9], {**row, "question": problem})), name(row)


def test_documents_with_common_phrases_are_clean(suite, index, texts):
    for text in texts:
        assert not index.find(text)
    halves = " ".join(row["question"][: len(row["question"]) // 2] for row in flat(suite))
    assert not index.find(halves)
    assert not index.find("Which of the following is the best answer? What is the name of the boy? " * 50)
    assert not index.find("")
    assert not index.find("6 + 6 + 6 + 6 + 6 + 6 = 36 " * 500)


def test_one_item_in_a_very_long_document(suite, index):
    books = " ".join(row["text"] for row in read_lines(SAMPLE / "books" / "00000.jsonl.zst"))[:5_000_000]
    row = next(row for row in suite["gsm8k"] if "ducks" in row["question"])
    (hit,) = index.find(plant(books, row))
    assert (hit.task, hit.item, hit.share) == ("gsm8k", row["item"], 1.0)
    assert words(hit.matched) == words(row["question"] + row["continuation"])
    assert hit.matched.startswith("Janet’s ducks lay 16 eggs per day.")


def test_short_items_must_match_whole_or_are_counted_as_too_short(suite, index, texts):
    short = [row for row in checkable(suite, index) if len(words(row["question"] + row["continuation"])) <= 20]
    assert {row["task"] for row in short} >= {"csqa", "piqa", "sciq", "arc_easy"}
    for row in short:
        changed = WORD.sub("lamp", row["question"], count=1)
        assert name(row) in found(index, plant(texts[20], row))
        assert name(row) not in found(index, plant(texts[20], {**row, "question": changed})), name(row)
    for row in flat(suite):
        if len(words(row["question"] + row["continuation"])) < SETTINGS.min_words:
            assert index.too_short[index.names.index(name(row))], name(row)
    dresser = next(row for row in suite["piqa"] if row["question"] == "dresser")
    assert index.too_short[index.names.index(name(dresser))]
    assert not found(index, plant(texts[20], dresser))


def test_hits_depend_on_no_order_of_the_suite(suite, index, texts):
    rows = flat(suite)
    random.Random(2).shuffle(rows)
    other = build_index(rows, SETTINGS)
    for row in checkable(suite, index)[::10]:
        text = plant(texts[30], row)
        assert index.find(text) == other.find(text)


def test_a_copy_of_the_suite_is_one_hit_after_the_other(suite, index):
    hits = index.find("\n\n".join(row["context"][-600:] + row["continuation"] for row in flat(suite)))
    assert MOST_CANDIDATES // 2 < len(hits) <= MOST_CANDIDATES
    assert [hit.share for hit in hits] == sorted((hit.share for hit in hits), reverse=True)
    assert max(len(hit.matched) for hit in hits) <= MOST_MATCHED


def test_the_step_drops_counts_and_records(suite, texts, tmp_path):
    write_lines(tmp_path / "suite.jsonl.zst", flat(suite))
    planted = {3: suite["gsm8k"][0], 8: suite["codex_humaneval"][1], 9: suite["hellaswag"][2]}
    documents = [
        Document(text=plant(text, planted[n]) if n in planted else text, id=f"{n:03}", metadata={"source": "x"})
        for n, text in enumerate(texts[:12])
    ]
    outcomes = []
    for ranks in (1, 3):
        folder = tmp_path / str(ranks)
        step = Decontaminate(tmp_path / "suite.jsonl.zst", SETTINGS, folder)
        kept = [d.id for rank in range(ranks) for d in step.run(iter(documents[rank::ranks]), rank, ranks)]
        funnel = pl.read_parquet(folder / "funnel" / "decontaminate" / "*.parquet")
        hits = pl.read_parquet(folder / "hits" / "*.parquet").sort("id")
        assert sorted(kept) == [f"{n:03}" for n in range(12) if n not in planted]
        assert funnel.filter(pl.col("reason") == "contaminated")["documents"].sum() == 3
        assert funnel["documents"].sum() == 12
        assert hits.columns == ["id", "source", "task", "item", "share", "matched"]
        assert hits.select("id", "task", "item").rows() == [(f"{n:03}", *name(row)) for n, row in planted.items()]
        outcomes.append((hits.rows(), pl.read_parquet(folder / "items" / "*.parquet").rows()))
    assert outcomes[0] == outcomes[1]
    items = {task: (count, short) for task, count, short in outcomes[0][1]}
    assert set(items) == set(suite)
    assert items["gsm8k"] == (ITEMS, 0)
    assert 0 < items["coqa"][1] < ITEMS


def test_switched_off_it_keeps_all_and_reads_no_suite(suite, texts, tmp_path):
    document = Document(text=plant(texts[0], suite["gsm8k"][0]), id="1", metadata={"source": "x"})
    step = Decontaminate(tmp_path / "not there", DecontaminateSettings(enabled=False), tmp_path)
    assert list(step.run(iter([document]))) == [document]
    assert len(pl.read_parquet(tmp_path / "hits" / "00000.parquet")) == 0
