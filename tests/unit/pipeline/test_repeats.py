"""Repeated passages in small and periodic texts, and what trimming leaves."""

import random

import numpy as np
import pytest
from repeated import assert_true

from pipeline.dedup.trim import trim
from pipeline.dedup.windows import BLOCK, LONGEST_PERIOD, winnow


@pytest.mark.parametrize("seed", range(6))
def test_accidental_repeats_of_small_alphabets(tmp_path, seed):
    draw = random.Random(seed)
    alphabet = ["ab", "abc", "aé€😀"][seed % 3]
    pieces = ["".join(draw.choices(alphabet, k=draw.randrange(1, 40))) for _ in range(12)]
    texts = [
        (f"{number:03d}", draw.choice(["", "2020"]), "".join(draw.choices(pieces, k=draw.randrange(9))))
        for number in range(80)
    ]
    for length in (8, 12, 31):
        assert assert_true(texts, length, tmp_path) > 1_000


@pytest.mark.parametrize("unit", ["a", "ab", "abc", "0123456789" * 7, "é", "ab" * 20 + "c"])
def test_periodic_text(tmp_path, unit):
    run = unit * (2_400 // len(unit))
    texts = [
        ("1", "", run[:2_000]),
        ("2", "2020", "before " + run[7:1_600] + " after"),
        ("3", "2020", "x".join([run[:150], run[3:170], run[1:99], run[:100], run[:101]])),
        ("4", "2021", run[5:205]),
        ("5", "2021", run[5:205]),
    ]
    assert assert_true(texts, 100, tmp_path) > 3_000


def test_short_periods_cost_no_records():
    for unit in (b"a", b"ab", bytes(range(97, 97 + LONGEST_PERIOD))):
        text = np.frombuffer((unit * BLOCK)[:BLOCK], np.uint8)
        records, spans = winnow(text, 500)
        assert len(records) <= 2 * LONGEST_PERIOD
        assert spans.tolist() == [[len(unit), BLOCK]]


@pytest.mark.parametrize(
    ("text", "spans", "left"),
    [
        ("one two three", [], "one two three"),
        ("one two three", [(4, 8)], "one three"),
        ("one two three", [(3, 8)], "one\nthree"),
        ("one two three", [(3, 7)], "one three"),
        ("one two three", [(0, 4)], "two three"),
        ("one two three", [(7, 13)], "one two"),
        ("one two three", [(0, 13)], ""),
        ("one two three", [(0, 1), (3, 8), (9, 13)], "one\nthree"),
        ("a\u3000čeština", [(1, 4)], "a\nčeština"),
        ("a č é b € c", [(2, 4), (8, 9)], "a  é  € c"),
        ("", [], ""),
        # What ends inside a word or number leaves it whole.
        ("it took 134 days", [(0, 10)], "134 days"),
        ("costs 3.14 or 2,718", [(0, 8), (14, 17)], "3.14 or 2,718"),
        ("on 2024-10-01 and later", [(3, 11)], "on 2024-10-01 and later"),
        ("they don't know", [(0, 8)], "don't know"),
        ("unbreakable", [(2, 9)], "unbreakable"),
        ("end. Begin here", [(4, 7)], "end.\nBegin here"),
        ("end. Begin here", [(0, 5)], "Begin here"),
        ("naïve idea", [(0, 3)], "naïve idea"),
        ("x" * 300 + " y", [(10, 290)], "x" * 10 + "\n" + "x" * 10 + " y"),  # no word
        ("漢字文書", [(3, 6)], "漢\n文書"),
        ("ไทยภาษา", [(0, 9)], "ภาษา"),
    ],
)
def test_trim(text, spans, left):
    assert trim(text, spans) == left
