"""What comes from data is shown as it stands: no markup, no escape that a terminal obeys, no line without end."""

import io

import pytest
from rich.table import Table

from flows.errors import machine_failure
from flows.show.progress import stage_progress
from mixes.show.console import plain_console
from mixes.show.printable import LINE, bounded, one_line, printable

HOSTILE = ["x[/b]", "[red]x[/red]", "[link=http://a]x[/link]", ":warning:", "[bold]", "a]b[c", "[/]"]
ESCAPES = [
    "\x1b]0;title\x07",
    "\x1b[31mred",
    "\x9b31m",
    "\x08\x08",
    "a\rb",
    "\u202egnp.exe",
    "\u2066x",
    "\ud83d",
    "\x00",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_no_markup(name):
    out = io.StringIO()
    table = Table(title=name)
    table.add_column(name)
    table.add_row(name)
    console = plain_console(out)
    console.print(table)
    console.print(name)
    assert out.getvalue().count(name) == 4


@pytest.mark.parametrize("text", ESCAPES)
def test_escapes_are_spelled_out(text):
    out = io.StringIO()
    table = Table()
    table.add_column(text)
    table.add_row(text)
    plain_console(out).print(table)
    for shown in (out.getvalue(), printable(text), one_line(text)):
        assert not set(shown) & set("\x1b\x07\x9b\x08\r\u202e\u2066\ud83d\x00")
    assert printable(text).encode("utf-8")


def test_text_stays_text():
    text = "Zażółć gęślą jaźń — 漢字 ≤ 5 € \u200d🙂\n\ttab"
    assert printable(text) == text
    assert one_line("a\nb\tc") == "a\\nb\\tc"


def test_lines_end():
    line = bounded("x" * 10_000_000 + " — give less")
    assert len(line) <= LINE + 5
    assert line.endswith(" — give less")
    assert bounded("\x1b" * 1_000).startswith("\\x1b")
    assert len(bounded("\x1b" * 100_000)) <= LINE + 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "/w/x"), "the disk is full: /w/x"),
        (OSError(30, "Read-only file system"), "the file system is read-only"),
        (RuntimeError("IO Error: Could not write: No space left on device"), "the disk is full"),
        (MemoryError(), "the memory is full"),
        (FileNotFoundError(2, "No such file or directory", "/w/y"), "gone: /w/y"),
        (RuntimeError("a mistake of ours"), None),
    ],
)
def test_failures_of_the_machine_are_told_from_mistakes(error, words):
    line = machine_failure(error)
    assert line is None if words is None else words in line


def test_a_cause_behind_another_error_is_found():
    error = RuntimeError("a rank failed")
    error.__cause__ = OSError(28, "No space left on device")
    assert "the disk is full" in str(machine_failure(error))


def test_time_left_counts_only_what_this_try_has_done(capsys, monkeypatch):
    monkeypatch.setattr("flows.show.progress.EVERY", 0)
    with stage_progress("train") as report:
        for done in (16, 16, 18):
            report(done, 26)
    lines = capsys.readouterr().err.splitlines()
    assert ["left" in line for line in lines] == [False, False, True, False]
