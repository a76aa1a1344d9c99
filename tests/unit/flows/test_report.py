"""The report of a swarm in files: whole in one file, safe from names, refused where it would overwrite."""

import json
import re

import pytest
from reports import DOMAINS, FILES, HOSTILE, SECTIONS, made_report, write_swarm
from support import here, said_here

pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
LARGEST = 5_000_000  # bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory, monkeypatch_module):
    folder = tmp_path_factory.mktemp("report")
    write_swarm(folder)
    monkeypatch_module.setenv("MIXWRIGHT_CACHE", str(folder / "cache"))
    return folder


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def html(folder) -> str:
    return made_report(folder)


def test_it_has_every_section_in_order(html):
    assert re.findall(r'<section id="(\w+)">', html) == list(SECTIONS)
    assert "cannot show where its documents came from" in html


def test_it_is_one_file_that_loads_nothing(html):
    assert len(html.encode()) < LARGEST
    assert not re.search(r"https?://", html)
    assert not re.search(r"<(script|link|iframe|img|object|embed|base)\b", html)
    assert not re.search(r"(src|@import|url)\s*[=(]\s*[\"']?(?!#)", html.partition("<body>")[2])


def test_names_from_data_are_escaped(html):
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)" in html


def test_ids_are_its_own(html):
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', html)) <= set(ids)


def test_figures_are_written_as_png_and_svg(folder, html):
    names = {file.stem for file in (folder / "report_figures").iterdir()}
    assert names == set(re.findall(r'<figure id="figure-([\w-]+)"', html))
    for name in names:
        assert (folder / "report_figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / "report_figures" / f"{name}.svg").read_text().startswith("<svg")


def test_one_number_for_the_recommended_score(folder, html):
    """The table of scores, the slices' circle and the sum of the bars say the same."""
    row = re.search(r'<td class="w">target</td>.*?</tr>', html[html.index("predicted scores by family") :])
    natural, _, mix = re.findall(r'<td class="n">(\d\.\d+)</td>', row[0])[:3]
    gain = re.search(r"is predicted to gain \+([\d.]+) bpb", html)[1]
    assert float(natural) - float(mix) == pytest.approx(float(gain), abs=0.0011)
    assert f"The bars sum to the gain, +{gain}." in html


def test_the_swarm_tells_the_best_run_and_whether_it_breaks_a_limit(folder, html):
    figure = html[html.index('<figure id="figure-swarm"') :].partition("</figure>")[0]
    assert re.search(r"1: best run, scored \d\.\d+ bpb; over the cap of code \(\d+\.\d%\)\.", figure)
    assert "best runs that break a limit" in figure
    assert re.search(r"The recommended mix is predicted to score \d\.\d+ bpb\.", figure)


def test_a_cap_beyond_the_axis_is_announced(folder, html):
    made_report(folder, "--budget", "300B", "--max-epochs", "1", "--no-figures", "--out", "capped.html")
    text = (folder / "capped.html").read_text()
    mix = text[text.index('<figure id="figure-mix"') :].partition("</figure>")[0]
    assert "cap by the limits" in mix
    assert "cap 66.7% →" in mix


def test_natural_is_no_point_on_the_curves(html):
    figure = html[html.index('<figure id="figure-slices"') :].partition("</figure>")[0]
    assert "natural&#x27;s share of this domain" in figure or "natural's share of this domain" in figure
    assert not re.search(r"<path[^>]*><title>natural: ", figure)


def test_tasks_of_families_and_simple_mixes_are_tables(html):
    tasks = html[html.index("gains of all 4 tasks, by family") :].partition("</details>")[0]
    assert "task (bpb, lower is better)" in tasks
    assert re.search(
        r'code</td><td class="w">humaneval_bpb</td><td class="n">[\d.]+</td><td class="n">[\d.]+</td>', tasks
    )
    assert tasks.count("<tr>") == 5
    simple = html[html.index("simple mixes by family") :].partition("</details>")[0]
    assert simple.count("<tr>") == 1 + 3 * 4  # target and two families; uniform and three powers of natural


def test_other_mixes_stand_beside_the_recommended_one(folder, html):
    figure = html[html.index('<figure id="figure-other-mixes"') :].partition("</figure>")[0]
    assert "<title>natural^0.5: " in figure
    assert "so the laws can tell the two apart." in html
    (folder / "mine.yaml").write_text(f"{json.dumps(dict.fromkeys(DOMAINS, 0.25))}")
    words = ("--mix", "mine.yaml", "--budget", "400B", "--max-epochs", "1", "--no-figures", "--out", "mixes.html")
    made_report(folder, *words)
    text = (folder / "mixes.html").read_text()
    table = text[text.index("other mixes, on the target") :].partition("</details>")[0]
    own, uniform = (re.search(rf'<td class="w">{name}</td>(.*?)</tr>', table)[1] for name in ("mine", "uniform"))
    assert own == uniform  # the same mix
    cost = float(re.search(r"The caps cost ([\d.]+) bpb", text)[1])
    free = re.search(r'<td class="w">no caps \*</td>(.*?)</tr>', table)[1]
    assert f"−{cost:.3f} (" in free


def test_limits_are_in_plain_words(folder):
    words = ("--tokens", "tokens.csv", "--budget", "400B", "--max-epochs", "1")
    html = made_report(folder, *words, "--no-figures")
    assert "code is at its limit of 1 epoch: 25.0% of the mix at this budget" in html
    assert "≤" not in html.partition('<section id="lineage">')[0]
    assert "UniMax (as even as the epochs allow) is uniform here." in html


def test_the_same_evidence_gives_the_same_bytes(folder, html):
    assert made_report(folder, "--no-figures") == html


def test_options_ask_for_another_recommendation(folder, html):
    other = folder / "other.html"
    done = here("report", *FILES, "--target", "code=1", "--out", "other.html", "--no-figures", folder=folder)
    assert done.returncode == 0, done.stderr
    text = other.read_text()
    assert "the swarm&#x27;s centre" in text  # without tokens there is no natural mix
    assert "--target code=1" in text
    assert "Tokens by domain are unknown, so there is no UniMax" in text
    assert "The natural mix is unknown, so it cannot be made more even." in text
    assert re.search(r"not counted</td>", text)  # tasks of the other family
    assert not (folder / "other_figures").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "report: give an experiment file, or --ratios and --metrics"),
        (("--ratios", "ratios.csv"), "report: give --metrics too, or an experiment file"),
        ((*FILES, "--out", "mine.html"), "--out mine.html: is there already, and is no report"),
        ((*FILES, "--out", "report.txt"), "is no name for a page — let it end in .html"),
        ((*FILES, "--out", "nowhere/report.html"), "there is no folder 'nowhere'"),
        ((*FILES, "--out", "."), "is a folder"),
        ((*FILES, "--out", "taken.html"), "its figures go to taken_figures, which holds something else"),
        ((*FILES, "--recommendation", "abc"), "--recommendation names one of an experiment"),
    ],
)
def test_mistakes_are_one_line(folder, words, line):
    (folder / "mine.html").write_text("<p>mine</p>")
    (folder / "taken_figures").mkdir(exist_ok=True)
    (folder / "taken_figures" / "notes.txt").write_text("mine")
    assert line in said_here(folder, "report", *words)
    assert (folder / "mine.html").read_text() == "<p>mine</p>"


def test_accuracies_keep_their_sign(folder):
    (folder / "up.yaml").write_text(
        f"code: {{metrics: [humaneval_bpb, mbpp_bpb, arc_bpb, '{HOSTILE}'], unit: accuracy}}\n"
    )
    words = ("--ratios", "ratios.csv", "--metrics", "metrics.csv", "--families", "up.yaml", "--law", "linear")
    done = here("report", *words, "--out", "up.html", "--no-figures", folder=folder)
    assert done.returncode == 0, done.stderr
    text = (folder / "up.html").read_text()
    assert "accuracy, higher is better" in text
    assert "There is one family, so no family pays for another." in text
