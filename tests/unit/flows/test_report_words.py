"""What the report says in words and tables is what the recommendation holds."""

import re
from html import unescape

import pytest
from reports import DOMAINS, write_swarm

from flows.from_files import SwarmFiles
from flows.report.figure import Figure
from flows.report.findings import Findings
from flows.report.gather import from_files
from flows.report.report import sections_of
from flows.report.sections.next_step import MOST_SEEDS, seeds_to_see
from mixes.recommendation.settings import RecommendSettings
from mixes.show.verdict import verdict_word

pytest.importorskip("altair", reason="the package that draws figures is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    write_swarm(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXWRIGHT_CACHE", str(folder / "cache"))
        yield folder


def found(folder, ratios: str = "ratios.csv", title: str | None = None, **settings) -> Findings:
    files = SwarmFiles(str(folder / "metrics.csv"), folder / ratios, folder / "families.yaml", folder / "tokens.csv")
    return from_files(None, RecommendSettings(law="log_linear", replicates=40, **settings), files, title)


def undrawn(findings: Findings) -> str:
    """The page's words: its parts, with the caption of each figure in its place."""
    parts = [part for section in sections_of(findings) for part in section.parts]
    return unescape("".join(part.note if isinstance(part, Figure) else part for part in parts))


@pytest.fixture(scope="module")
def findings(folder) -> Findings:
    return found(folder, budget="400B", max_epochs=1.0)


@pytest.fixture(scope="module")
def html(findings) -> str:
    return undrawn(findings)


def answer(html: str, name: str) -> str:
    return re.search(f"<dt>{name}</dt><dd>(.*?)</dd>", html)[1]


def rows_of(html: str, title: str) -> list[list[str]]:
    """The cells of a folded table."""
    table = html[html.index(title) :].partition("</details>")[0]
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table)]


def test_a_swarm_from_files_is_named_by_what_its_mix_is_for(findings):
    assert findings.name == "code and qa, from 4 domains"


def test_what_counts_is_at_the_top(html):
    line = "The target is 50.0% code (2 tasks) and 50.0% qa (2 tasks). Within a family every task counts the same."
    assert answer(html, "What counts").startswith(line)
    assert html.index("What counts") < html.index("Train on")


def test_changes_that_the_interval_leaves_open_are_not_stated_as_changes(html):
    line = answer(html, "What changes")
    sure, _, undecided = line.partition("Undecided: ")
    for name, natural, _, ends, *_ in rows_of(html, "Table: all 4 domains")[1:]:
        low, high = (float(end.rstrip("%")) for end in ends.split(" to "))
        share = float(natural.rstrip("%"))
        if low > share + 0.1 or high < share - 0.1:
            assert name not in undecided
        elif low < share - 0.1 and high > share + 0.1:
            assert name not in sure


def test_the_whole_cost_of_the_caps_is_in_the_summary(html):
    line = answer(html, "What limits it")
    assert re.search(r"The caps cost [\d.]+ bpb: without them the best mix would have code [\d.]+% \(now 25.0%\)", line)
    assert re.search(r"one percentage point more of code would gain most: [\d.]+ thousandths of bpb", line)
    price = re.search(r"([\d.]+) thousandths", line)[1]
    assert rows_of(html, "what limits the mix")[1][1] == price


def test_every_task_has_its_gain_and_the_summary_counts_the_losers(html):
    rows = rows_of(html, "gains of all 4 tasks")
    assert rows[0][-3:] == ["90% interval", "verdict", "share of the target"]
    losers = [row for row in rows[1:] if row[-2].startswith("worse")]
    line = answer(html, "What gets worse")
    assert f"{len(losers)} of 4 tasks, " in line if losers else "no single task" in line or "Nothing for sure" in line
    for row in losers:
        assert float(row[-3].rpartition(" to ")[2].replace("−", "-")) <= 0


def test_tokens_at_hand_and_other_budgets(html):
    mix = {row[0]: row for row in rows_of(html, "Table: all 4 domains")}
    assert mix["code"][6] == "100B"
    budgets = rows_of(html, "Table: other budgets")[1:]
    assert [row[0] for row in budgets] == ["200B", "400B", "800B"]
    gains = [float(row[2].replace("−", "-")) for row in budgets]
    assert gains == sorted(gains, reverse=True)  # a larger budget leaves less choice
    stated = float(re.search(r"is predicted to gain \+([\d.]+) bpb", html)[1])
    assert gains[1] == pytest.approx(stated)


def test_what_is_not_known_is_said(html):
    line = answer(html, "What it rests on")
    assert "Their size is not in the files" in line
    assert "Natural was never trained: its score is predicted too" in line
    assert "is assumed, not shown here" in line
    assert "<code>parameters</code>" in line


def test_sizes_are_stated_where_the_files_have_them(folder):
    ratios = (folder / "ratios.csv").read_text().splitlines()
    sized = [f"{ratios[0]},parameters,tokens", *(f"{line},30000000,3000000000" for line in ratios[1:])]
    (folder / "sized.csv").write_text("\n".join(sized))
    named = found(folder, "sized.csv", title="my swarm")
    assert named.name == "my swarm"
    assert "26 small models (proxies) of 30M parameters on 3B tokens" in undrawn(named)


def test_percents_and_intervals_are_written_in_one_way(html):
    assert not re.search(r"\d %", html)
    assert not re.search(r"\d%? – [+−\d]", html)
    assert not re.search(r"[ (>]-\d", html)


def test_the_words_of_the_page_are_explained(html):
    words = {row[0] for row in rows_of(html, "The words of this page")}
    assert {"proxy", "law", "UniMax", "interval", "noise", "cap", "bpb"} <= words
    assert "log_linear is a constant plus an exponential" in html
    assert len(DOMAINS) == 4


@pytest.mark.parametrize(
    ("verdict", "low", "high", "word"),
    [
        ("better", 0.1, 0.2, "better"),
        ("worse", -0.2, -0.1, "worse"),
        ("not_distinguishable", 0.01, 0.02, "better by less than noise"),
        ("not_distinguishable", -0.02, -0.01, "worse by less than noise"),
        ("not_distinguishable", -0.01, 0.01, "not distinguishable"),
    ],
)
def test_a_verdict_names_its_rule(verdict, low, high, word):
    assert verdict_word(verdict, low, high) == word


def test_seeds_that_would_show_the_gain():
    assert seeds_to_see(0.035, 0.182) == (3, pytest.approx(2.92 * 0.035 / 3**0.5, rel=1e-3))
    assert seeds_to_see(0.035, 1.0)[0] == 2
    assert seeds_to_see(1.0, 0.01)[0] == MOST_SEEDS
