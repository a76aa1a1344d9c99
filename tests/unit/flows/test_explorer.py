"""What the explorer's cells call: the address, the sliders, answers, comparisons, what is saved; and its guard."""

from contextlib import chdir
from urllib.parse import parse_qs

import numpy as np
import pytest
import yaml
from reports import DOMAINS, FILES, HOSTILE, write_swarm
from support import said_here

from flows.errors import ExperimentError
from flows.explorer import answers, browse, compare, draw, keep, save, typed
from flows.explorer.explored import explored_files, settings_of
from flows.explorer.first_view import first_view
from flows.explorer.session import Session
from flows.explorer.side_by_side import side_by_side
from flows.explorer.state import State, state_of
from flows.explorer.swarm_table import swarm_table
from flows.from_files import SwarmFiles
from mixes.errors import MixError
from mixes.recommendation.recommend import recommend, recommendation_of
from mixes.recommendation.settings import RecommendSettings
from mixes.show.beside import called, signed

STATE = State(
    target={"code": 0.7, "q=a": 0.3}, budget="6T", max_epochs=3, pull=0.1,
    bounds={"web/*": (0.3, 0.8), "a=b": (0.1, 0.1)}, tab="compare", left="natural", right="own mix",
    own="a 3 %\nb 4", domain="a&b", bucket="3", reason="x: y", query="from x",
)  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer")
    write_swarm(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXWRIGHT_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        settings = RecommendSettings(law="log_linear", replicates=40)
        files = SwarmFiles(
            str(folder / "metrics.csv"), folder / "ratios.csv", folder / "families.yaml", folder / "tokens.csv"
        )
        yield explored_files(None, settings, files)


@pytest.mark.parametrize("state", [State(), STATE])
def test_a_reload_of_the_address_finds_the_same_state(state):
    again, notes = state_of(parse_qs(state.address()[1:]))
    assert again == state
    assert not notes


def test_what_an_address_has_wrong_is_noted_and_left_out():
    state, notes = state_of({"target": "code", "bound": "a=0.3:x", "max_epochs": "many", "tab": "nowhere", "zzz": "1"})
    assert state == State()
    assert len(notes) == 3
    with pytest.raises(ExperimentError, match="goes from 2 to 2"):
        settings_of(State(bounds={"a": (2.0, 2.0)}), RecommendSettings())


def test_untouched_sliders_change_nothing_and_moved_ones_do(opened):
    page = Session(opened, {})
    controls = page.controls
    same = controls.changes(controls.weights, controls.budget.now, controls.epochs.now, controls.pull.now)
    assert page.move(**same) == State()
    moved = controls.changes({"code": 1.0, "qa": 0.0}, controls.budget.values[0], 2.0, 0.0)
    question = opened.asked(page.move(**moved))
    assert question.settings.target == {"code": 1.0}
    assert (question.settings.max_epochs, question.settings.pull) == (2.0, 0.0)
    assert question.budget == pytest.approx(controls.budget.values[0] * 1e9, rel=1e-3)
    assert Session(opened, page.state.params()).controls.weights == {"code": 1.0, "qa": 0.0}


def test_an_address_of_another_swarm_is_reported_and_left_out(opened):
    page = Session(opened, {"target": "code=1&zzz=2", "bound": "nowhere=0.5", "pull": "7"})
    assert page.state == State(target={"code": 1.0}, pull=7.0)
    assert page.notes == [f"This swarm has no {one}; it is left out." for one in ("family 'zzz'", "domain 'nowhere'")]
    assert Session(opened, {"target": "zzz=1"}).controls.weights == page.controls.own_weights


def test_the_quick_answer_is_the_whole_one_without_intervals(opened):
    page = Session(opened, {"target": "code=1"})
    question = opened.asked(page.state)
    quick = page.point(question)
    assert all(row.interval is None for row in quick.domains)
    whole = answers.shown(page.recommendation(question), opened.findings)
    assert quick.mix == pytest.approx(whole.mix, abs=1e-6)
    assert all(low <= row.weight <= high for row in whole.domains for low, high in [row.interval])
    assert page.point(question) == whole
    solved = list(answers.optima_by_more(question, opened.findings, lambda: False, 10))
    every = len(opened.findings.worlds)
    assert [len(optima.worlds) for optima in solved] == [10, every]
    few, more = map(recommendation_of, solved)
    assert more == page.recommendation(question)  # the first worlds were not solved again, which changes nothing
    assert few.mix == more.mix
    assert few.id != more.id
    first = Session(opened, {}).point(opened.question)  # known from the start
    (opening,) = answers.optima_by_more(opened.question, opened.findings, lambda: False, every)
    assert first == answers.shown(recommendation_of(opening), opened.findings)
    with pytest.raises(answers.Stale):
        next(answers.optima_by_more(question, opened.findings, lambda: True))


def test_the_optimum_is_compared_with_the_mixes_that_recommend_mix_shows(opened):
    page = Session(opened, {"target": "code=1"})
    question = opened.asked(page.state)
    (html,) = page.others(question, lambda: False)
    whole = recommend(question, opened.findings.problem.fitted, lambda _: opened.findings.worlds)
    for row in whole.beside:
        assert f"{called(whole, row)}</td>" in html
        assert f"{signed(row.behind)} (" in html
    assert list(page.others(question, lambda: True)) == [html]  # known by now
    other = opened.asked(page.move(target={"qa": 1.0}))
    assert list(page.others(other, lambda: True)) == []
    simple = [row.name for row in whole.beside if row.kind == "simple"]
    assert set(simple) < set(compare.choices(opened.problem(question)))


def test_a_locked_domain_stays_and_a_contradiction_is_one_line(opened):
    page = Session(opened, {"bound": "code=0.05"})
    assert page.point(opened.asked(page.state)).mix["code"] == pytest.approx(0.05, abs=1e-6)
    with pytest.raises(MixError, match="limits") as caught:
        page.point(opened.asked(page.move(bounds={name: (0.9, 1.0) for name in DOMAINS[:2]})))
    assert "\n" not in str(caught.value)


def test_names_from_data_are_escaped(opened):
    page = Session(opened, {})
    question = opened.asked(page.state)
    drawn = draw.optimum(page.point(question), opened.findings, page.state)
    problem = opened.problem(question)
    compared = compare.compare(opened.findings, problem, *(("<b>", problem.reference),) * 2)
    pair = side_by_side(compared, opened.findings, opened.findings.domains)
    for html in (drawn, pair, swarm_table(opened.findings, page.state)):
        assert HOSTILE not in html
        assert "&lt;script&gt;alert(1)" in html


def test_two_mixes_compare_as_their_laws_do(opened):
    problem = opened.problem(opened.question)
    own = typed.typed_mix(f"code 90 %\n{HOSTILE}: 10", opened.findings.domains)
    mixes = [(name, compare.mix_named(name, problem, {}, own)) for name in (compare.NATURAL, compare.OWN)]
    compared = compare.compare(opened.findings, problem, *mixes)
    aim = problem.objective_of(problem.aims["code"])
    claimed = float(-np.diff(aim.value(np.array([mix for _, mix in mixes])))[0])
    assert compared.gains["code"].claimed == pytest.approx(claimed)
    assert compared.gains["code"].low < compared.gains["code"].value < compared.gains["code"].high
    assert compared.verdicts["code"] == "better"
    same = compare.compare(opened.findings, problem, mixes[0], mixes[0])
    assert all(gain.claimed == gain.low == gain.high == 0 for gain in same.gains.values())
    with pytest.raises(ExperimentError, match="no mix 'zzz'"):
        compare.mix_named("zzz", problem, {}, own)


@pytest.mark.parametrize(
    ("text", "mix"),
    [("a 3\nb 1", (0.75, 0.25)), ("b: 0.5%", (0, 1)), ("a = 1e-3; b=1e-3", (0.5, 0.5)), ("a/c 1", "known are a, b"),
     ("a", "is no domain and number"), ("a 1\na 2", "named twice"), ("a 0", "no domain has a weight"),
     ("a 1.2.3", "is no domain and number"), ("", "no domain has a weight")],
)  # fmt: skip
def test_a_mix_is_typed(text, mix):
    if isinstance(mix, str):
        with pytest.raises(ExperimentError, match=mix):
            typed.typed_mix(text, ("a", "b"))
        return
    read = typed.typed_mix(text, ("a", "b"))
    assert tuple(read.values()) == pytest.approx(mix)
    assert typed.typed_mix(typed.as_typed(read), ("a", "b")) == pytest.approx(read)


def test_a_dragged_domain_leaves_the_others_their_proportions():
    domains = ("a", "b", "c")
    shares = typed.shares_of("a 10\nb 30\nc 60", domains)
    assert list(shares.items()) == [("c", 60.0), ("b", 30.0), ("a", 10.0)]
    mix = typed.typed_mix(typed.as_typed(typed.scaled({**shares, "c": 0.0})), domains)
    assert mix == pytest.approx({"a": 0.25, "b": 0.75, "c": 0.0})
    assert typed.shares_of("zzz", domains) == pytest.approx(dict.fromkeys(domains, 100 / 3), abs=1e-4)
    with pytest.raises(ExperimentError, match="no domain has a weight"):
        typed.typed_mix(typed.as_typed(typed.scaled(dict.fromkeys(domains, 0.0))), domains)


@pytest.mark.parametrize(
    "text",
    ["name: x\nrecommend:\n  pull: 2\n\n  # inner\n  front: 3\n\n# about seed\nseed: 1\n", "seed: 1\nname: x",
     "{name: x, seed: 1}", "recommend: &r {pull: 2}\nother: *r\nseed: 1\nname: x\n"],
)  # fmt: skip
def test_an_experiment_file_gets_another_question(tmp_path, text):
    (file := tmp_path / "x.yaml").write_text(text)
    changed = keep.experiment_yaml(file, "work/x", RecommendSettings(pull=5.0))
    assert yaml.safe_load(changed) == {**yaml.safe_load(text), "work": "work/x", "recommend": {"pull": 5.0}}
    assert ("# about seed" in changed) == ("# about seed" in text)
    assert "inner" not in changed


def test_what_is_saved_can_be_read_again_and_stays_in_the_workspace(opened):
    page = Session(opened, {"target": "code=1", "bound": "code=0.05:0.3", "max_epochs": "3"})
    question = opened.asked(page.state)
    answer = page.recommendation(question)
    section = yaml.safe_load(save.recommend_yaml(question.settings))["recommend"]
    assert RecommendSettings(**section) == question.settings
    assert yaml.safe_load(save.mix_yaml(answer))["mix"] == pytest.approx(answer.mix, abs=1e-6)
    folder = save.write_trainer("olmo-core", opened, question, answer)
    assert folder.is_relative_to(opened.workspace)
    assert (folder / "README.md").is_file()
    assert "megatron" in save.formats(opened)  # its configuration alone, since there is no pool to copy
    with pytest.raises(ExperimentError, match="is not written here"):
        save.write_trainer("../elsewhere", opened, question, answer)


def test_a_catalog_that_vanished_leaves_a_page(tmp_path):
    gone = tmp_path / "catalog.duckdb"
    assert browse.choices(gone, State()) == ([], None, {}, None)
    assert browse.buckets(gone, "code") == []
    with pytest.raises(ExperimentError, match="no file"):
        browse.documents(gone, None, "")


def test_long_answers_are_cut_and_say_so():
    import polars as pl

    html = browse.answer_table(pl.DataFrame({"text": ["<i>" + "x" * 500] * (browse.ROWS + 1)}))
    assert html.count("<tr>") == browse.ROWS + 1  # with the head
    assert f"Shown are the first {browse.ROWS} rows." in html
    assert "<i>" not in html
    assert "x" * 301 not in html


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "explore: give an experiment file, or --ratios and --metrics"),
        (("--ratios", "ratios.csv"), "explore: give --metrics too, or an experiment file"),
        ((*FILES, "--recommendation", "abc"), "--recommendation names one of an experiment"),
        (("--ratios", "none.csv", "--metrics", "metrics.csv"), "none.csv"),
    ],
)
def test_mistakes_are_one_line(opened, words, line):
    assert line in said_here(opened.workspace, "explore", *words, "--no-browser")


def test_without_marimo_the_extra_is_named(opened, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "marimo", None)
    with chdir(opened.workspace):
        assert "pip install 'mixwright[notebook]'" in said_here(opened.workspace, "explore", *FILES)


def test_the_first_view_is_the_optimum_that_the_address_asks_for(opened):
    html = first_view(opened, {"pull": "0.9"})
    assert "The sliders follow" in html
    assert html.count("data-domain") == len(DOMAINS)
    assert html != first_view(opened, {})
    assert first_view(opened, {"tab": "sql"}) == ""
    assert first_view(opened, {"bound": "code=0.99"}) == ""  # more than there is of it: the page itself says so
