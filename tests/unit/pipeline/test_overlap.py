"""How much of an item a document holds, counted by hand."""

import unicodedata

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.decontamination.decontaminate import DecontaminateSettings, build_index
from pipeline.decontamination.overlap import MOST_MATCHED
from pipeline.decontamination.questions import find_labels, question

SETTINGS = DecontaminateSettings()


def test_the_share_is_that_of_the_words_by_weight():
    """Words that all occur once weigh the same, so the share can be counted by hand."""
    asked, answer = [f"q{n}" for n in range(40)], [f"a{n}" for n in range(12)]
    row = {"task": "t", "item": "1", "context": " ".join(asked), "continuation": " ".join(answer)}
    index = build_index([row], SETTINGS)
    for missing, hits in ((0, [1.0]), (10, [0.8125]), (11, [])):  # of 40 words; 0.75 × 30 ÷ 40 + 0.25
        text = f"before {' '.join(asked[missing:])} between {' '.join(answer)} behind"
        assert [hit.share for hit in index.find(text)] == hits
    (hit,) = index.find(" ".join(asked + answer[:3] + ["other"] + answer[4:]))  # the only word that stands alone
    assert hit.share == pytest.approx(0.75 + 0.25 * 11 / 12, abs=1e-4)
    with_gap = asked[:10] + ["other"] * 7 + asked[10:]  # 7 words between are 11 misses
    assert [hit.share for hit in index.find(" ".join(with_gap + answer))] == [1.0]
    assert index.find(" ".join(asked[:20] + ["other"] * 8 + asked[20:] + answer)) == []


def test_an_answer_weighs_more_the_shorter_its_question_is():
    asked, answer = [f"q{n}" for n in range(10)], [f"a{n}" for n in range(40)]
    row = {"task": "t", "item": "1", "context": " ".join(asked), "continuation": " ".join(answer)}
    (hit,) = build_index([row], SETTINGS).find(" ".join(asked[3:] + answer))
    part = 0.75 * (0.5 + 0.5 * 6 / 20)  # 6 n-grams
    assert hit.share == pytest.approx(part * 0.7 + 1 - part, abs=1e-4)


def test_an_answer_within_its_own_question_does_not_count():
    asked = [f"q{n}" for n in range(40)]
    asked += asked[10:15]  # the n-gram that ends the question stands in it before
    row = {"task": "t", "item": "1", "context": " ".join(asked), "continuation": " ".join(asked[16:28])}
    index = build_index([row], SETTINGS)
    assert index.find(row["context"] + " and then something else") == []
    assert [hit.share for hit in index.find(f"{row['context']} {row['continuation']}")] == [1.0]


def test_what_matched_is_shown_in_the_characters_of_the_document():
    row = {"task": "t", "item": "1", "context": " ".join(f"Long{n:090}" for n in range(30)), "continuation": "the end"}
    text = "İSTANBUL, İZMİR\u0301 and “Fuß” – " + row["context"].upper() + "\n\nTHE  END of it"
    (hit,) = build_index([row], SETTINGS).find(text)
    assert hit.matched == row["context"].upper()[:MOST_MATCHED]
    row["context"] = "Who went up the hill to fetch a pail of water?"
    (hit,) = build_index([row], SETTINGS).find(f"İİ İ\u0301 {row['context'].swapcase()}\n\nTHE  END of it")
    assert hit.matched == row["context"].swapcase() + "\n\nTHE  END"


def test_rare_words_weigh_more_and_repeated_ones_once():
    answer = " ".join(f"a{n}" for n in range(12))
    common = "tell me about the use of all those things here"
    contexts = [f"{common} {' '.join(f'i{item}w{n}' for n in range(30))}" for item in range(3)]
    contexts.append("one two three four five" + " six plus" * 40)
    rows = [{"task": "t", "item": str(n), "context": c, "continuation": answer} for n, c in enumerate(contexts)]
    index = build_index(rows, SETTINGS)
    (without_common,) = index.find(contexts[0].removeprefix(common) + " " + answer)
    assert without_common.share == pytest.approx(0.75 * 30 / (30 + 10 * np.log(1 + 4 / 3) / np.log(5)) + 0.25, abs=1e-4)
    without_rare = " ".join(contexts[0].split()[:30])  # as many words, a third of them common
    assert index.find(f"{without_rare} {answer}") == []
    assert [hit.item for hit in index.find(f"{contexts[3]} {answer}")] == ["3"]
    assert index.find("six plus " * 40 + answer) == []


@pytest.mark.parametrize(
    ("contexts", "asked"),
    [
        (["Q: Who?\nA: He.\n\nQ: Who fell?\nA:", "Q: Why?\nA: So.\n\nQ: Why go?\nA:"], ["Who fell?", "Why go?"]),
        (["A man sits.", "Health: Drink.", "He runs."], ["A man sits.", "Health: Drink.", "He runs."]),
        (["Problem:\nFind x.\n\nSolution:"], ["Find x."]),
        (["Passage: It was.\nQuestion: What is?\nA: ice\nB: fire\nAnswer:"], ["What is?\nA: ice\nB: fire"]),
        (["Question:"], [""]),
    ],
)
def test_the_question_is_the_last_labelled_part_of_a_context(contexts, asked):
    labels = find_labels(contexts)
    assert [question(context, labels).strip() for context in contexts] == asked


def test_settings_that_cannot_be():
    with pytest.raises(ValidationError, match="strict_to 50 must be below full_from 50"):
        DecontaminateSettings(strict_to=50)


@pytest.mark.parametrize("hidden", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\ufe0f"])
def test_characters_that_nobody_sees_hide_nothing(hidden):
    asked = "which of these northern rivers carries the largest amount of sediment into the bay every single spring"
    row = {"task": "t", "item": "1", "context": asked, "continuation": "the smaller eastern river"}
    plain = f"{asked} the smaller eastern river"
    for item, text in ((row, hidden.join(plain)), ({**row, "context": hidden.join(asked)}, plain)):
        assert [hit.share for hit in build_index([item], SETTINGS).find(text)] == [1.0]


def test_composed_and_decomposed_accents_are_one():
    asked = "où se trouve la première église élevée au nord de la rivière gelée près de la forêt brûlée"
    row = {"task": "t", "item": "1", "context": asked, "continuation": "derrière le château"}
    text = unicodedata.normalize("NFD", f"{asked} derrière le château")
    assert [hit.share for hit in build_index([row], SETTINGS).find(text)] == [1.0]
