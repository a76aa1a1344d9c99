"""The report of a swarm in files whose runs have several sizes: about one size, and it says so."""

import re

import numpy as np
import polars as pl
import pytest
from support import here, said_here

pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
DOMAINS = ("books", "code", "web")
SIZES = (("1M", "20M", 16, 1.0), ("4M", "80M", 8, 0.85))  # parameters, tokens, mixes, and how much is left of a score
FILES = ("--ratios", "ratios.csv", "--metrics", "metrics.csv", "--no-figures")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sizes, of which the second is tried on half of the first one's mixes."""
    folder, rng = tmp_path_factory.mktemp("sizes"), np.random.default_rng(0)
    tried = rng.dirichlet(np.full(len(DOMAINS), 2.0), size=SIZES[0][2])
    ratios, metrics = [], []
    for parameters, tokens, count, left in SIZES:
        for number, weights in enumerate(tried[:count]):
            run = f"{parameters}-{number:02d}"
            shares = dict(zip(DOMAINS, weights.tolist(), strict=True))
            ratios.append({"run": run, "parameters": parameters, "tokens": tokens, **shares})
            books, code, _ = weights
            truth = {"humaneval_bpb": 2.5 - code**0.5, "arc_bpb": 2 - 0.7 * books**0.5}
            noisy = {task: left * score + rng.normal(scale=0.01) for task, score in truth.items()}
            metrics.append({"run": run, **noisy})
    pl.DataFrame(ratios).write_csv(folder / "ratios.csv")
    pl.DataFrame(metrics).write_csv(folder / "metrics.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXWRIGHT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def html(folder) -> str:
    done = here("report", *FILES, "--at", "16M", "--title", "two", folder=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "report.html").read_text()


def test_the_first_lines_say_the_size_and_those_that_were_trained(html):
    assert "<title>Data mix for two, at 16M:320M</title>" in html
    assert "<h1>Data mix for two, at 16M:320M</h1>" in html
    head = re.search(r'<p class="sub">(.*?)</p>', html)[1]
    assert "The answer for a model of the size 16M:320M (parameters:tokens)" in head
    assert "by proxies of several sizes: 16 of 1M:20M, 8 of 4M:80M." in head
    assert "24 proxies (small models) on 16 mixes of 3 domains" in head


def test_it_says_how_far_it_carries_and_what_scores_are(html):
    assert "No run has the size 16M:320M, for which the mix is recommended: the largest is 4M:80M" in html
    assert "That the better mix at 16M:320M is also the better one" in html
    assert html.count("Scores of runs are shown as the laws carry them over to 16M:320M.") > 3
    assert "(carried over to 16M:320M)" in html
    assert "as near to 16M:320M as you can afford" in html or "More mixes, larger proxies" in html


def test_a_size_that_has_runs(folder):
    done = here("report", *FILES, "--at", "4M:80M", "--out", "own.html", folder=folder)
    assert done.returncode == 0, done.stderr
    html = (folder / "own.html").read_text()
    assert "at 4M:80M</title>" in html
    assert "No run has the size" not in html


def test_without_a_size_and_on_the_explorers_page_it_is_refused(folder):
    assert "its runs have 2 sizes (1M:20M, 4M:80M) — say with --at" in said_here(folder, "report", *FILES)
    assert "explore: --at is not possible here" in said_here(folder, "explore", *FILES[:-1], "--at", "16M")
    said = said_here(folder, "explore", *FILES[:-1], "--no-browser")
    assert "explore: the runs of metrics.csv have 2 sizes (1M:20M and 4M:80M), and the page answers for runs of" in said
    assert "say with" not in said
