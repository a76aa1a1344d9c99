"""The explorer in a browser, over a finished experiment: the page moves, keeps its state, and asks nobody else."""

import os
import signal
import subprocess
import sys
import time

import pytest
from browser import chromium, opened
from support import ROOT, mixwright

pytest.importorskip("marimo", reason="the package that serves the explorer is not installed")
pytestmark = pytest.mark.cli
WAIT = 30  # seconds
DEEP = """window.deep = (sel, root = document) => [...root.querySelectorAll(sel),
  ...[...root.querySelectorAll('*')].filter(one => one.shadowRoot).flatMap(one => deep(sel, one.shadowRoot))]"""
WEIGHTS = "[...document.querySelectorAll('#root tr[data-domain] .mx-now')].map(one => one.textContent).join(' ')"
PRELOADED = "was preloaded using link preload but not used"  # marimo's pictures, on a busy machine


@pytest.fixture(scope="module")
def address(tiny, finished):
    """Where the explorer of the tiny experiment answers."""
    command = [sys.executable, "-m", "flows.cli", "explore", "experiment.yaml", "--no-browser", "--port", "18640"]
    mixwright("prepare", "experiment.yaml", folder=tiny)  # the catalog names files by their whole paths
    process = subprocess.Popen(
        command, cwd=tiny, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    try:
        assert line.startswith("Explorer at http://127.0.0.1:"), line
        yield line.split()[2]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout.read() == "Explorer ended.\n"


def until(tab, expression: str):
    """What a script gives once it is true."""
    deadline = time.monotonic() + WAIT
    while not (value := tab.value(expression)):
        assert time.monotonic() < deadline, f"{expression}\n{tab.value('document.body.innerText')}\n{tab.problems}"
        time.sleep(0.05)
    return value


def settled(tab, expression: str):
    """What a script gives once it has given the same for a second."""
    deadline = time.monotonic() + WAIT
    value, since = tab.value(expression), time.monotonic()
    while time.monotonic() < since + 1:
        assert time.monotonic() < deadline, value
        time.sleep(0.1)
        if (now := tab.value(expression)) != value:
            value, since = now, time.monotonic()
    return value


def press(tab, words: str):
    """Click the button that says this."""
    button = f"deep('button').find(one => one.textContent.includes({words!r}))"
    until(tab, f"!!{button}")
    tab.value(f"{button}.click()")


@pytest.fixture
def tab(address):
    """A browser's tab that logs no error and asks nobody but the explorer."""
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium here (Debian's package is called chromium)")
    with opened(path) as tab:
        tab.look(1400)
        yield tab
        assert [problem for problem in tab.problems if PRELOADED not in problem] == []
        assert {one for one in tab.requests if not one.startswith((address, "data:", "blob:"))} == set()


def test_the_optimum_is_compared_with_other_mixes(address, tab):
    tab.open(f"{address}?tab=compare")
    rows = "[...document.querySelectorAll('.mx-others tr')].map(one => one.textContent).join(' ')"
    assert "worst allowed" in until(tab, rows)


def test_the_page_moves_and_its_address_keeps_what_was_asked(address, tab, tiny):
    files = sorted((tiny / "work").rglob("*"))
    tab.open(address)
    before = until(tab, WEIGHTS)
    until(tab, "!document.getElementById('mx-first')")
    tab.value(DEEP)
    keys = "deep('[role=slider]')[1].dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}))"
    until(tab, "deep('[role=slider]').length > 3")
    tab.value(keys)
    until(tab, f"{WEIGHTS} !== {before!r}")
    until(tab, "location.search.includes('target=')")
    until(tab, "!document.querySelector('.mx-weights').textContent.includes('…')")  # intervals have followed
    moved = tab.value(WEIGHTS)

    tab.open(tab.value("location.href"))  # as a reload, or as somebody else who got the address
    assert until(tab, WEIGHTS) == moved

    tab.open(tab.value("location.href") + "&bound=books%3D0.2")
    until(tab, "document.querySelector('#root tr[data-domain=books] .mx-now')?.textContent === '20.0%'")

    tab.value("document.querySelector('#root tr[data-domain=books] a').click()")
    until(tab, "document.querySelector('.mx-documents summary')?.textContent.includes('source books')")
    assert "bound=books" in tab.value("location.href")  # the question is still there

    tab.open(address + "?tab=sql&query=select%2040%2B2%20as%20answer")
    assert until(tab, "document.querySelector('.mx-wide')?.textContent") == "answer42"
    tab.open(address + "?tab=sql&query=drop%20table%20runs")
    assert "only SELECT is allowed" in until(tab, "document.querySelector('.mx-error')?.textContent")
    assert sorted((tiny / "work").rglob("*")) == files  # looking writes nothing


def test_a_domain_is_locked_on_the_page_and_the_answer_is_saved(address, tab):
    tab.open(address)
    until(tab, WEIGHTS)
    tab.value(DEEP)
    press(tab, "Select...")
    option = "deep('[role=option]').find(one => one.textContent.trim() === 'books')"
    until(tab, f"!!{option}")
    tab.value(f"{option}.click()")
    until(tab, "location.search.includes('bound=books')")

    tab.open(f"{tab.value('location.href')}&tab=save")
    tab.value(DEEP)
    press(tab, "Save as a recommendation")
    saved = until(tab, "document.body.innerText.match(/Saved as (recommendation-[0-9a-f]+)/)?.[1]")
    tab.open(f"{address}?tab=sql&query=from%20recommendations")
    assert saved in until(tab, "document.querySelector('.mx-wide')?.textContent")


def test_ones_own_mix_is_dragged(address, tab):
    scores = "document.querySelector('.mx-side .mx-wide')?.textContent"
    shares = "[...document.querySelectorAll('.mx-own .mx-label b')].map(one => one.textContent)"
    sliders = "[...document.querySelectorAll('.mx-own marimo-ui-element')].flatMap(one => deep('[role=slider]', one))"
    tab.open(f"{address}?tab=compare&left=natural&right=own%20mix")
    before = until(tab, scores)
    tab.value(DEEP)
    until(tab, f"{sliders}.length > 3")
    for _ in range(3):
        tab.value(f"{sliders}[0].dispatchEvent(new KeyboardEvent('keydown', {{key: 'PageUp', bubbles: true}}))")
        time.sleep(0.05)
    until(tab, f"{scores} !== {before!r}")
    until(tab, "location.search.includes('own=')")
    moved = settled(tab, f"[...{shares}, location.search]")[:-1]
    assert abs(sum(float(share.rstrip("%")) for share in moved) - 100) < 1
    tab.open(tab.value("location.href"))
    assert until(tab, f"{shares}.length && {shares}") == moved
