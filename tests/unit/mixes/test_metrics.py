"""A metric's direction and unit are stated or told by its name, never guessed; families group metrics."""

import numpy as np
import pytest
import yaml

from flows.errors import INPUT_ERRORS
from mixes.errors import MixError
from mixes.tables.families import Families, families_of
from mixes.tables.metrics import Metric, Stated, check_one_unit, metric_of, stated_unit
from mixes.tables.read import read_families
from mixes.target import standardised

LOSSES = np.array([2.1, 2.4, 3.9])
SHARES = np.array([0.31, 0.42, 0.77])


@pytest.mark.parametrize(
    ("name", "scores", "stated", "unit", "direction"),
    [
        ("metric/the_pile_github_val_loss", LOSSES, None, "nats per token", "lower"),
        ("arc_challenge_bpb", SHARES, None, "bpb", "lower"),
        ("eval/downstream/arc_acc (BPB v2)", SHARES, None, "bpb", "lower"),
        ("wikitext_word_perplexity", LOSSES * 100, None, "perplexity", "lower"),
        ("codex_humaneval", LOSSES, None, "score", "lower"),
        ("gsm8k_em", SHARES, Stated("accuracy"), "accuracy", "higher"),
        ("hellaswag", SHARES, Stated(direction="higher"), "score", "higher"),
        ("win", -LOSSES, Stated("Elo", "higher"), "Elo", "higher"),
    ],
)
def test_what_is_known(name, scores, stated, unit, direction):
    found = metric_of(name, scores, stated=stated)
    assert (found.unit, found.direction, found.family) == (unit, direction, name)


@pytest.mark.parametrize(
    ("name", "scores", "stated", "said"),
    [
        ("arc_acc", SHARES, None, "looks like an accuracy, of which more is better"),
        ("humaneval_pass@1", SHARES, None, "looks like an accuracy"),
        ("drop_f1", SHARES * 100, None, "looks like an accuracy"),
        ("arc_acc", SHARES, Stated("bpb"), "looks like an accuracy and is given as bpb"),
        ("arc_acc", SHARES, Stated(direction="lower"), "'accuracy' and the direction 'lower', which contradict"),
        ("hellaswag", SHARES, None, "lies between 0.31 and 0.77: a loss or an accuracy"),
        ("val_loss", -LOSSES, None, "lies between -3.9 and -2.1, which no nats per token does"),
        ("hellaswag", SHARES * 100, None, "lies between 31 and 77, which no loss does"),
        ("val_loss", LOSSES, Stated(direction="higher"), "contradict each other"),
        ("mt", LOSSES, Stated("Elo"), "'Elo', which has no direction of its own"),
        ("arc_acc", LOSSES * 100, Stated("accuracy"), "which no accuracy does"),
    ],
)
def test_what_is_asked(name, scores, stated, said):
    with pytest.raises(MixError, match="state its unit and direction in `families`") as caught:
        metric_of(name, scores, stated=stated)
    assert said in str(caught.value)


def test_scores_are_turned_and_turned_back():
    higher = Metric("code", "accuracy", "higher")
    assert (higher.turned(SHARES) == -SHARES).all()
    assert (higher.turned(higher.turned(SHARES)) == SHARES).all()


def families(text: str) -> Families:
    return families_of("families.yaml", yaml.safe_load(text))


def test_families_group_and_state():
    found = families("""
        code: [humaneval, "mbpp*"]
        pile: {metrics: {"metric/*": {}, metric/c: {unit: accuracy}}, unit: nats per token, direction: lower}
        rest: ["*"]
        """).of(["humaneval", "mbpp_bpb", "metric/a", "metric/c", "other"], {"other": Stated("perplexity", "lower")})
    assert {metric: family for metric, (family, _) in found.items()} == {
        "humaneval": "code", "mbpp_bpb": "code", "metric/a": "pile", "metric/c": "pile", "other": "rest",
    }  # fmt: skip
    assert found["metric/a"][1] == Stated("nats per token", "lower")
    assert found["metric/c"][1].unit == "accuracy"
    assert found["other"][1].unit == "perplexity"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code: [humanevl, mbpp]", "no metric is called 'humanevl' — did you mean 'humaneval'"),
        ("code: [humaneval]", "'mbpp' in no family"),
    ],
)
def test_families_that_do_not_fit(text, said):
    with pytest.raises(MixError, match=said):
        families(text).of(["humaneval", "mbpp"], {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code: {metrics: [a], untis: bpb}", "unknown field 'code.untis' — did you mean 'unit'"),
        ("code: {metrics: {a: {directoin: lower}}}", "'code.metrics.a.directoin' — did you mean 'direction'"),
        ("code: {metrics: [a], direction: higer}", "did you mean 'higher'"),
        ("[code]", "holds no families"),
        ("code: [a", "not YAML"),
    ],
)
def test_families_files_with_mistakes(tmp_path, text, said):
    (tmp_path / "families.yaml").write_text(text)
    with pytest.raises(INPUT_ERRORS, match=said):
        read_families(tmp_path / "families.yaml")


def test_one_unit_or_standardised():
    metrics = {"a": Metric("f", "bpb", "lower"), "b": Metric("f", "accuracy", "higher")}
    assert check_one_unit("target", ["a"], metrics) == "bpb"
    with pytest.raises(MixError, match=r"target mixes units \('b' in accuracy, 'a' in bpb\)"):
        check_one_unit("target", ["a", "b"], metrics)
    assert standardised({"a": 0.5, "b": 0.5, "c": 0.0}, {"a": 0.1, "b": 2.0, "c": 0.0}) == {
        "a": 5.0, "b": 0.25, "c": 0.0,
    }  # fmt: skip
    with pytest.raises(MixError, match="'a' cannot be standardised"):
        standardised({"a": 1.0}, {"a": 0.0})


def test_a_family_that_earlier_ones_leave_nothing_is_refused(tmp_path):
    families = read_families(_file(tmp_path, 'other: ["*"]\ncode: ["mbpp*"]\n'))
    with pytest.raises(MixError, match="code: earlier families take all of its metrics"):
        families.of(["mbpp_bpb", "arc_bpb"], {})


def _file(folder, content):
    file = folder / "families.yaml"
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("unit: bpb\nall: ['*']", {"a": "bpb", "b": "bpb"}),
        ("unit: bpb\nx: {metrics: [a], unit: accuracy}\ny: [b]", {"a": "accuracy", "b": "bpb"}),
        ("unit: bpb\nx: {metrics: {a: {unit: perplexity}, b: {}}}", {"a": "perplexity", "b": "bpb"}),
        ("unit: Elo\ndirection: higher\nx: {metrics: {a: {direction: lower}, b: {}}}", {"a": "score", "b": "Elo"}),
        ("unit: [a]\ny: [b]\ndirection: lower", {"a": "score", "b": "score"}),  # a family that is called so
    ],
)
def test_a_unit_of_all_families(text, units):
    grouped = families(text)
    stated = {name: meaning for name, (_, meaning) in grouped.of(["a", "b"], {}).items()}
    assert {name: metric_of(name, LOSSES, stated=stated[name], default=grouped.default).unit for name in "ab"} == units


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unit: bpb\n", "holds no families, only their 'unit'"),
        ("direction: up\nx: [a]\n", "direction: must be one of lower, higher"),
    ],
)
def test_a_wrong_default_of_all_families(text, said):
    with pytest.raises(MixError, match=said):
        families(text)


def test_a_default_that_the_name_contradicts_is_refused():
    with pytest.raises(MixError, match="looks like an accuracy and is given as bpb"):
        metric_of("arc_acc", SHARES, default=Stated("bpb"))
    with pytest.raises(MixError, match="looks like bpb, of which lower is better, and is given as accuracy"):
        metric_of("arc_bpb", SHARES, default=Stated("accuracy"))
    assert metric_of("arc", SHARES, default=stated_unit("Nats_per-token")).unit == "nats per token"
    with pytest.raises(MixError, match="no unit is called 'bbp' — did you mean 'bpb'"):
        stated_unit("bbp")
