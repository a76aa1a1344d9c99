"""The eval suite: contexts are cut from the left, answers never, and both that and what is left out are counted."""

import json
from pathlib import Path

import pytest
from support import bytewise, write_lines
from tokenizers import Tokenizer, models

from pipeline.errors import PipelineError
from pipeline.store.stage import StageStore
from pipeline.suite import (
    SuiteSettings,
    check_suite,
    describe_counts,
    encode_suite,
    read_items,
    read_suite,
    suite_counts,
)

END, CONTEXT = 256, 16
GOOD = {"task": "t", "family": "code", "context": "a", "continuation": " b"}


def rows(task: str, contexts: list[int], answers: list[int]) -> list[dict]:
    """Items whose context and answer are so many bytes long."""
    letters = "abcdefghijklmnopqrstuvwxyz" * 2
    return [
        {"task": task, "family": "code", "item": str(i), "context": letters[:c], "continuation": letters[:a].upper()}
        for i, (c, a) in enumerate(zip(contexts, answers, strict=True))
    ]


@pytest.fixture
def encoded(tmp_path: Path) -> Path:
    """Of `long`, three fit whole, two are cut, one is left out; all of `short` fit."""
    # An item is end, context, answer: 17 tokens are the window, so 16 of context and answer fit whole.
    long = rows("long", [12, 13, 0, 12, 30, 1], [4, 3, 15, 5, 15, 16])
    write_lines(tmp_path / "suite.jsonl.zst", [*long, *rows("short", [1, 2, 3, 4], [1, 2, 3, 4])])
    encode_suite(
        tmp_path / "suite.jsonl.zst",
        SuiteSettings(path="suite.jsonl", items=6),
        bytewise(),
        END,
        CONTEXT,
        tmp_path / "suite",
    )
    return tmp_path / "suite"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()


def test_contexts_are_cut_from_the_left_and_answers_never(encoded):
    tokenizer = bytewise()
    items = {item.item: item for item in read_items(encoded) if item.task == "long"}
    assert sorted(items) == ["0", "1", "2", "3", "4"]
    for item in items.values():
        context, answer = item.tokens[: -item.scored], item.tokens[-item.scored :]
        assert tokenizer.decode(answer).isupper()
        assert item.scored == item.size == len(answer)  # whole: a token a byte
        assert len(item.tokens) <= CONTEXT + 1
        assert (context[0] == END) == (item.item in "012")
    assert tokenizer.decode(items["3"].tokens[:-5]) == "abcdefghijkl"  # only the mark of a beginning fell off
    assert tokenizer.decode(items["4"].tokens[:-15]) == "cd"  # the last of 30


def test_what_was_cut_or_left_out_is_counted_by_task(encoded):
    counts = {row.pop("task"): row for row in suite_counts(encoded, END, CONTEXT).to_dicts()}
    assert counts["long"] == {
        "family": "code", "items": 5, "cut": 2, "left_out": 1, "answer_tokens": 8.4, "answer_bytes": 8.4,
    }  # fmt: skip
    assert counts["short"] == {
        "family": "code", "items": 4, "cut": 0, "left_out": 0, "answer_tokens": 2.5, "answer_bytes": 2.5,
    }  # fmt: skip
    line = describe_counts(suite_counts(encoded, END, CONTEXT), CONTEXT)
    assert line == (
        "2 of 9 items have contexts cut to 16 tokens; left out, since the answer alone does not fit: 1 (long)"
    )


def test_nothing_is_said_where_all_fit(tmp_path):
    write_lines(tmp_path / "s.jsonl.zst", rows("short", [1, 2, 3, 4], [1, 2, 3, 4]))
    encode_suite(
        tmp_path / "s.jsonl.zst", SuiteSettings(path="suite.jsonl"), bytewise(), END, CONTEXT, tmp_path / "suite"
    )
    assert describe_counts(suite_counts(tmp_path / "suite", END, CONTEXT), CONTEXT) is None


def test_an_answer_without_a_token_is_left_out(tmp_path):
    """A tokenizer that knows two letters drops all others."""
    known = Tokenizer(models.BPE({"a": 0, "b": 1, "<end>": 2}, []))
    items = [{**GOOD, "item": str(i), "continuation": answer} for i, answer in enumerate(["ab", "xyz", "b", "?"])]
    write_lines(tmp_path / "s.jsonl.zst", items)
    encode_suite(tmp_path / "s.jsonl.zst", SuiteSettings(path="suite.jsonl"), known, 2, CONTEXT, tmp_path / "suite")
    (row,) = suite_counts(tmp_path / "suite", 2, CONTEXT).to_dicts()
    assert (row["items"], row["left_out"]) == (2, 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"context": None}, "line 2: 'context' is missing or not a text — give task, family, context, continuation"),
        ({"task": " "}, "line 2: 'task' is missing or not a text"),
        ({"continuation": "\ud800"}, "line 2: 'continuation' is missing or not a text"),
        ({"continuation": "\n"}, "line 2: the continuation of task 't' is empty — give the gold answer"),
        ({"family": "math"}, "line 2: task 't' is in families 'code' and 'math' — give it one"),
        ({"item": "1"}, "line 2: task 't' has an item '1' already — number its items anew"),
        ({"item": []}, "line 2: 'item' is neither a text nor a number — give a name, or leave it out"),
    ],
)
def test_a_line_that_is_wrong(tmp_path, wrong, said):
    write_lines(tmp_path / "s.jsonl.zst", [GOOD, {**GOOD, **wrong}])
    with pytest.raises(PipelineError) as raised:
        list(read_suite(tmp_path / "s.jsonl.zst"))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no item — give one object a line with task"),
        (b"[1]\n", "line 1: 'task' is missing"),
        (b"\n\n{]\n", "line 3: not JSON"),
        (b"\xff\n", "line 1: not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "line 1: not JSON"),
        (b"1" * 10_000, "line 1: not JSON"),
    ],
)
def test_a_file_that_is_no_suite(tmp_path, content, said):
    (tmp_path / "s.jsonl").write_bytes(content)
    with pytest.raises(PipelineError, match=said):
        list(read_suite(tmp_path / "s.jsonl"))


def test_a_file_that_is_cut(tmp_path):
    write_lines(tmp_path / "s.jsonl.zst", rows("t", [20] * 40, [10] * 40))
    whole = (tmp_path / "s.jsonl.zst").read_bytes()
    for content in (whole[:-9], whole[:20], whole[:50] + bytes(50) + whole[100:]):
        (tmp_path / "s.jsonl.zst").write_bytes(content)
        with pytest.raises(PipelineError, match="cannot be read to its end"):
            list(read_suite(tmp_path / "s.jsonl.zst"))


def test_a_content_that_was_found_right_is_not_read_again(tmp_path):
    (tmp_path / "s.jsonl").write_text(json.dumps(GOOD))
    check_suite(StageStore(tmp_path / "stages"), tmp_path / "s.jsonl")
    (checked,) = (tmp_path / "stages").glob("checked-*")
    assert StageStore(tmp_path / "stages").hash_files([tmp_path / "s.jsonl"]) in (checked / "stage.json").read_text()
    for _ in range(2):
        (tmp_path / "s.jsonl").write_text("{")
        with pytest.raises(PipelineError, match="line 1: not JSON"):
            check_suite(StageStore(tmp_path / "stages"), tmp_path / "s.jsonl")
