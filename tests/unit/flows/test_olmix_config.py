"""Olmix's fit configuration asks the question that it asks there; what means something else here is named."""

import copy
import json

import numpy as np
import polars as pl
import pytest
import yaml
from support import here, said_here

import mixes
from mixes.errors import MixError
from mixes.tables.metrics import Metric
from mixes.tables.olmix import read_olmix

DOMAINS = ("books", "code", "web")
SIZES = {"books": 0.1, "code": 0.2, "web": 0.7}
TOKENS = {"books": 100_000_000_000, "code": 200_000_000_000, "web": 700_000_000_000}
FIT = {
    "swarm": {"ratios": "ratios.csv", "metrics": "metrics.csv"},
    "priors": {"relative_sizes": SIZES, "token_counts": TOKENS},
    "eval": {"type": "offline", "tasks": {"code": ["mbpp", "humaneval"], "qa": ["arc", "odd", "not_run"]}},
    "regression": {"type": "log_linear", "seed": 0, "n_test": 0, "train_split": 1.0, "aggregate_task_families": True},
    "proposer": {
        "type": "exact", "temperature": None, "kl_reg": 0.05, "fit_only": False, "make_worst_mix": False,
    },
    "constraints": {"enabled": True, "target_tokens": 1_000_000_000_000, "repetition_factor": 2.5},
    "filtering": {"drop_metrics": ["odd", "nowhere"], "obj_weights": {"code": "3/4.0", "qa": 0.25}},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(3), size=24)
    runs = {"run": [f"r{number}" for number in range(24)]}
    pl.DataFrame({**runs, **dict(zip(DOMAINS, weights.T, strict=True))}).write_csv(tmp_path / "ratios.csv")
    scores = {
        name: 0.6 + np.exp(-2 * weights[:, domain]) / 3 + rng.normal(0, 0.005, 24)
        for name, domain in {"mbpp": 1, "humaneval": 1, "arc": 0, "odd": 2, "unlisted": 2}.items()
    }
    pl.DataFrame({**runs, **scores}).write_csv(tmp_path / "metrics.csv")
    write(tmp_path, {})
    return tmp_path


def write(folder, changes: dict) -> None:
    """The configuration with fields (`section.field`) set, or taken out where the value is None."""
    fit = copy.deepcopy(FIT)
    for place, value in changes.items():
        section, _, field = place.partition(".")
        if not field:
            fit[section] = value
        else:
            fit.setdefault(section, {})[field] = value
    (folder / "fit.yaml").write_text(yaml.safe_dump(fit))


def test_one_flag_asks_what_the_options_ask_by_hand(folder):
    done = here("recommend", "--olmix", "fit.yaml", "--json", folder=folder)
    asked = json.loads(done.stdout)
    swarm = mixes.read_swarm(
        folder / "ratios.csv", folder / "metrics.csv", unit="bpb",
        families={"code": ["mbpp", "humaneval"], "qa": ["arc"], "leave_out": ["odd", "unlisted"]},
    )  # fmt: skip
    by_hand = mixes.recommend(
        swarm, target={"code": 0.75, "qa": 0.25}, tokens=TOKENS, budget="1T", max_epochs=2.5, law="log_linear",
        pull_bpb=0.05, progress=False,
    )  # fmt: skip
    assert asked["mix"] == by_hand.mix
    assert asked["intervals"] == {name: list(ends) for name, ends in by_hand.intervals.items()}
    notes = " ".join(asked["swarm"]["notes"])
    for words in (
        "fit.yaml is read as --budget 1T --max-epochs 2.5 --law log_linear --target code=0.75 --target qa=0.25, a pull "
        "to natural of 0.05 bpb per nat",
        "regression.aggregate_task_families: Olmix fits one law to a family's mean",
        "left out, as families say: odd, unlisted",
        "families: 'not_run', 'nowhere' match no metric",
    ):
        assert words in notes
        assert words in done.stderr


def test_an_option_goes_before_the_configuration_and_that_is_said(folder):
    words = ("recommend", "--olmix", "fit.yaml", "--budget", "500B", "--law", "linear", "--target", "qa=1", "--json")
    done = here(*words, folder=folder)
    asked = json.loads(done.stdout)
    assert asked["budget"] == 500e9
    assert {law["name"] for law in asked["law"].values()} == {"linear"}
    assert asked["target"] == {"arc": 1.0}
    assert "--budget replaces constraints.target_tokens" in done.stderr
    assert "--law replaces regression.type" in done.stderr
    assert "--target replaces filtering.obj_weights" in done.stderr


def test_files_are_found_beside_the_configuration(folder, tmp_path_factory):
    done = here("check-law", "--olmix", str(folder / "fit.yaml"), "--json", folder=tmp_path_factory.mktemp("other"))
    assert json.loads(done.stdout)["law"] == "log_linear"
    write(folder, {"swarm.ratios": "gone.csv"})
    line = said_here(folder, "check-law", "--olmix", "fit.yaml")
    assert "fit.yaml: swarm.ratios: 'gone.csv' is neither here nor beside the configuration — give --ratios" in line


def test_relative_sizes_of_their_own_are_what_the_pull_is_to(folder):
    write(folder, {"priors.relative_sizes": {"books": 0.4, "code": 0.4, "web": 0.2}, "proposer.kl_reg": 1000.0})
    done = here("recommend", "--olmix", "fit.yaml", "--json", folder=folder)
    asked = json.loads(done.stdout)
    assert asked["natural"] == pytest.approx(SIZES)
    assert asked["mix"] == pytest.approx({"books": 0.25, "code": 0.5, "web": 0.25}, abs=0.01)  # books at its cap
    assert "the pull is to relative_sizes" in done.stderr


def test_without_families_every_metric_counts_alike(folder):
    write(folder, {"eval": None, "regression": {}, "filtering": {"drop_metrics": ["odd"]}})
    done = here("recommend", "--olmix", "fit.yaml", "--json", folder=folder)
    asked = json.loads(done.stdout)
    assert asked["target"] == {name: 0.25 for name in ("arc", "humaneval", "mbpp", "unlisted")}
    assert "left out, as families say: odd" in done.stderr


def test_without_constraints_no_epochs_are_counted(folder):
    write(folder, {"constraints.enabled": False, "proposer.kl_reg": 0.0})
    asked = json.loads(here("recommend", "--olmix", "fit.yaml", "--json", folder=folder).stdout)
    assert asked["budget"] is None
    assert asked["natural"] == pytest.approx(SIZES)
    assert asked["mix"]["code"] > 0.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regression.seed": 3}, "regression.seed: "),
        ({"regression.n_test": 8}, "regression.n_test, train_split: "),
        ({"regression.train_split": 0.5}, "regression.n_test, train_split: "),
        ({"regression.type": "search"}, "regression.type 'search': no such law here"),
        ({"proposer.type": "simulation"}, "proposer.type 'simulation': "),
        ({"proposer.temperature": 0.5}, "proposer.temperature: "),
        ({"proposer.fit_only": True}, "proposer.fit_only: "),
        ({"proposer.kl_reg": None}, "proposer.kl_reg is not set"),
        ({"constraints.enabled": False}, "constraints.enabled is false"),
        ({"regression.aggregate_task_families": False}, "filtering.obj_weights: they name families"),
        ({"regression.lambda": 3, "extra": {"x": 1}}, "not known, and not read: extra, regression.lambda"),
    ],
)
def test_fields_that_mean_something_else_are_named(folder, changes, words):
    write(folder, changes)
    assert any(note.startswith(words) for note in read_olmix(folder / "fit.yaml").notes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"proposer.make_worst_mix": True}, "proposer.make_worst_mix: asks for the worst mix"),
        ({"proposer.kl_reg": -1}, "proposer.kl_reg: input should be greater than or equal to 0"),
        ({"constraints.target_tokens": None}, "constraints.target_tokens is missing"),
        ({"constraints.target_tokens": "lots"}, "constraints.target_tokens: budget: 'lots' is not a number of tokens"),
        ({"regression.type": "log_liner"}, "Olmix has no 'log_liner' — did you mean 'log_linear'"),
        ({"filtering.obj_weights": {"code": "3/0"}}, "obj_weights: code is '3/0' — write a number or a fraction"),
        ({"filtering.obj_weights": {"cod": 1}}, "filtering.obj_weights: no 'cod' among what is counted — did you mean"),
        ({"priors.relative_sizes": {"books": 1}}, "priors: 'code', 'web' only in one of relative_sizes and"),
        ({"priors.token_counts": {**TOKENS, "web": "lots"}}, "tokens of 'web' are 'lots'"),
        ({"eval.tasks": 3}, "eval.tasks: "),
    ],
)  # fmt: skip
def test_wrong_configurations_are_one_line(folder, changes, line):
    write(folder, changes)
    assert line in said_here(folder, "recommend", "--olmix", "fit.yaml")


def test_what_is_no_configuration(folder):
    (folder / "fit.yaml").write_text("data: {sources: []}\n")
    assert "is no fit configuration of Olmix" in said_here(folder, "recommend", "--olmix", "fit.yaml")
    with pytest.raises(MixError, match="No such file"):
        read_olmix(folder / "none.yaml")
    assert "each is a question" in said_here(folder, "recommend", "exp.yaml", "--olmix", "fit.yaml")


def test_weights_that_do_not_sum_to_one_lower_the_pull(folder):
    write(folder, {"filtering.obj_weights": {"code": 3, "qa": 2}})
    fit = read_olmix(folder / "fit.yaml")
    metrics = {"mbpp": Metric("code", "bpb", "lower"), "arc": Metric("qa", "bpb", "lower")}
    assert fit.target(metrics) == {"code": 3.0, "qa": 2.0}
    assert fit.pull_bpb(metrics) == pytest.approx(0.01)
    write(folder, {"filtering.obj_weights": {}, "regression.aggregate_task_families": False})
    fit = read_olmix(folder / "fit.yaml")
    assert fit.target(metrics) == {"arc": 1.0, "mbpp": 1.0}
    assert fit.pull_bpb(metrics) == 0.05
