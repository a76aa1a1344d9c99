"""The report of an experiment, and how Chromium shows it."""

import re
import shutil

import pytest
from browser import chromium, opened
from reports import SECTIONS
from support import mixwright, only_line

pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
pytestmark = pytest.mark.cli
DARK = {"name": "prefers-color-scheme", "value": "dark"}


@pytest.fixture(scope="module")
def page(tiny, finished):
    """The report of the tiny experiment; nothing is made anew for it."""
    stages = sorted((tiny / "work" / "stages").iterdir())
    done = mixwright("report", "experiment.yaml", "--no-figures", folder=tiny)
    assert "Report written to report.html" in done.stdout
    assert sorted((tiny / "work" / "stages").iterdir()) == stages
    return tiny / "report.html"


def test_an_experiment_has_sections_on_its_corpus_and_costs(page, finished):
    html = page.read_text()
    sections = re.findall(r'<section id="(\w+)">', html)
    assert [name for name in sections if name in SECTIONS] == list(SECTIONS)
    assert set(sections) - set(SECTIONS) == {"corpus", "cost"}
    assert finished["id"] in html
    assert "No validation yet" in html


def test_a_recommendation_is_named_by_its_id(tiny, page, finished):
    before = page.read_bytes()
    begins = finished["id"].removeprefix("recommendation-")[:6]
    mixwright("report", "experiment.yaml", "--recommendation", begins, "--no-figures", folder=tiny)
    named = page.read_text().replace(f" --recommendation {begins}", "")
    assert named.encode() == before
    unknown = mixwright("report", "experiment.yaml", "--recommendation", "zzz", folder=tiny, expect=2)
    assert "--recommendation 'zzz': is no recommendation" in only_line(unknown)


def test_it_opens_from_disk_without_a_request_or_an_error(page, tmp_path):
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium here (Debian's package is called chromium)")
    shutil.copy(page, tmp_path / "report.html")
    address = (tmp_path / "report.html").as_uri()
    with opened(path) as tab:
        for width, dark in ((1400, False), (390, True)):
            tab.look(width, dark=dark, mobile=width < 500)
            tab.open(address)
            assert tab.value("document.documentElement.scrollWidth") <= width  # nothing sticks out
            assert tab.value(
                "[...document.querySelectorAll('figure')].every(one => "
                "[...one.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width > 0).length === 1)"
            )
        light, background = "rgb(255, 255, 255)", tab.value("getComputedStyle(document.body).backgroundColor")
        assert background != light
        assert tab.problems == []
        assert {request for request in tab.requests if not request.startswith("file:")} == set()
        assert set(tab.requests) == {address}


def test_it_prints_light_and_nothing_is_cut(page):
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium here (Debian's package is called chromium)")
    with opened(path) as tab:
        tab.look(700, dark=True)  # a page of A4 is about 700 pixels wide
        tab.call("Emulation.setEmulatedMedia", media="print", features=[DARK])
        tab.open(page.as_uri())
        assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert tab.value("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert tab.value("[...document.querySelectorAll('.narrow')].every(one => one.clientHeight === 0)")
        assert tab.value(
            "[...document.querySelectorAll('table, svg')].every(one => one.getBoundingClientRect().right <= 700)"
        )
        whole = "[...document.querySelectorAll('figure, table')].every(one => getComputedStyle(one).breakInside === "
        assert tab.value(f"{whole}'avoid')")
        assert tab.value("[...document.querySelectorAll('details table')].every(one => one.clientHeight > 0)")
