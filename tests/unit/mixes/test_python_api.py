"""The Python API, as a notebook uses it: `import mixes`."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import polars as pl
import pytest
from support import ROOT

import mixes
from mixes.recommendation import result

FAMILIES = {"code": ["humaneval"], "knowledge": {"metrics": ["arc_easy"], "unit": "accuracy"}}
TOKENS = {"web": 3e12, "code": 4e11, "math": 1e11}


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Code lowers humaneval's bpb, web raises arc_easy's accuracy."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(3, 2.0), size=24)
    names = [f"r{number:02d}" for number in range(24)]
    ratios = pl.DataFrame({"run": names, **dict(zip(("web", "code", "math"), weights.T, strict=True))})
    bpb = 2 - np.log(0.1 + weights[:, 1]) * 0.3 + rng.normal(0, 0.005, 24)
    accuracy = 0.3 + 0.4 * np.sqrt(weights[:, 0]) + rng.normal(0, 0.005, 24)
    order = rng.permutation(24)
    metrics = pl.DataFrame({"run": names, "humaneval": bpb, "arc_easy": accuracy})[order.tolist()]
    return ratios, metrics


@pytest.fixture(scope="module")
def swarm(tables) -> mixes.Swarm:
    return mixes.read_swarm(*tables, families=FAMILIES)


@pytest.fixture(scope="module")
def best(swarm) -> mixes.Recommendation:
    return mixes.recommend(swarm, target={"code": 1}, tokens=TOKENS, budget=2e11, replicates=20)


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, mixes; mixes.read_swarm; mixes.recommend; mixes.draw_swarm; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not {"torch", "prefect", "datatrove", "duckdb", "altair", "cvxpy"} & set(loaded.split())
    bare = subprocess.run([sys.executable, "-c", "import sys, mixes; print(*sys.modules)"], capture_output=True,
                          text=True, check=True, cwd=ROOT).stdout  # fmt: skip
    assert not {"numpy", "polars", "pydantic"} & set(bare.split())


def test_all_names_are_there():
    assert sorted(mixes.__all__) == dir(mixes)
    assert all(getattr(mixes, name) for name in mixes.__all__)
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        mixes.recomend  # noqa: B018


def test_a_swarm_from_frames_is_the_swarm_from_files(tables, swarm, tmp_path):
    for frame, name in zip(tables, ("ratios.csv", "metrics.csv"), strict=True):
        frame.write_csv(tmp_path / name)
    (tmp_path / "families.yaml").write_text("code: [humaneval]\nknowledge: {metrics: [arc_easy], unit: accuracy}\n")
    read = mixes.read_swarm(str(tmp_path / "ratios.csv"), tmp_path / "metrics.csv", families=tmp_path / "families.yaml")
    assert read.scores().equals(swarm.scores())
    assert read.weights().equals(swarm.weights())
    assert read.domains == ("code", "math", "web")
    assert read.families == {"code": ("humaneval",), "knowledge": ("arc_easy",)}
    assert "24 runs of 24 mixes over 3 domains, 2 tasks in 2 families" in repr(read)


def test_pandas_frames_are_read(tables, swarm):
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(frame.to_dict(as_series=False)) for frame in tables]
    assert mixes.read_swarm(*frames, families=FAMILIES).weights().equals(swarm.weights())


def test_scores_keep_their_own_sign(tables, swarm):
    accuracies = dict(zip(tables[1]["run"], tables[1]["arc_easy"], strict=True))
    assert dict(zip(swarm.scores()["run"], swarm.scores()["arc_easy"], strict=True)) == accuracies
    law = mixes.fit_laws(swarm)["arc_easy"]
    assert (law.unit, law.direction) == ("accuracy", "higher")
    assert 0.5 < law.predict({"web": 0.8, "code": 0.1, "math": 0.1}) < 0.8
    best = mixes.recommend(swarm, target={"knowledge": 1}, replicates=20)
    assert best.predicted["target"].mix > best.predicted["target"].natural > 0
    assert best.predicted["target"].gain > 0
    assert best.mix["web"] > 0.8
    assert "accuracy (higher is better)" in repr(best)


def test_laws_find_what_was_planted(swarm):
    laws = mixes.fit_laws(swarm, seed=0)
    assert laws["humaneval"].rank_correlation > 0.9
    frame = pl.DataFrame({"web": [0.2, 0.6], "code": [0.7, 0.1], "math": [0.1, 0.3]})
    low, high = laws["humaneval"].predict(frame)
    assert low < high
    assert low == pytest.approx(laws["humaneval"].predict({"math": 0.1, "web": 0.2, "code": 0.7}))
    assert set(laws.table().columns) >= {"task", "family", "law", "rank_correlation", "error", "unit"}
    assert laws.predict({"math": 0.1, "web": 0.2, "code": 0.7})["humaneval"] == pytest.approx(low)


def test_the_recommendation(best):
    assert best.verdict["target"] == "better"
    low, high = best.intervals["code"]
    assert low <= best.mix["code"] <= high
    assert best.predicted["target"].gain > 0.1
    assert best.budget == 2e11
    weights = best.weights()
    assert weights["weight"].is_sorted(descending=True)
    assert dict(zip(weights["domain"], weights["weight"], strict=True)) == best.mix
    scores = best.scores()
    assert scores["name"][0] == "target"
    assert scores.filter(pl.col("kind") == "family")["name"].to_list() == ["code", "knowledge"]
    assert "Recommended mix" in repr(best)
    assert best._repr_html_().count("<table>") == 3
    assert {field.name for field in fields(best)} - {field.name for field in fields(result.Recommendation)} == {
        "unit",
        "direction",
    }


def test_a_number_of_tokens_is_a_budget(swarm, best):
    tokens = pl.DataFrame({"domain": [*TOKENS], "tokens": [*TOKENS.values()]})
    again = mixes.recommend(swarm, target={"code": 1}, tokens=tokens, budget="200B", replicates=20)
    assert again.id == best.id


def test_names_from_data_are_escaped_in_html(tables):
    ratios, metrics = tables
    odd = mixes.read_swarm(ratios.rename({"web": "<script>x</script>"}), metrics, families=FAMILIES)
    best = mixes.recommend(odd, target={"code": 1}, replicates=20)
    assert "<script>" not in best._repr_html_()


def test_the_chart_has_both_mixes_and_all_domains(best):
    pytest.importorskip("altair")
    chart = best.plot().to_dict()
    rows = next(iter(chart["datasets"].values())) if "datasets" in chart else chart["data"]["values"]
    assert {(row["domain"], row["mix"]) for row in rows} == {
        (domain, mix) for domain in best.mix for mix in ("natural", "recommended")
    }
    assert {row["weight"] for row in rows if row["mix"] == "recommended"} == set(best.mix.values())


def test_a_drawn_swarm_can_be_read_back(tmp_path):
    drawn = mixes.draw_swarm(tokens={"web": 3e12, "code": 4e11}, mixes=64, seed=0)
    assert drawn["mix"].n_unique() == 66
    assert drawn.equals(mixes.draw_swarm(tokens={"code": 4e11, "web": 3e12}, mixes=64, seed=0))
    drawn.write_csv(tmp_path / "ratios.csv")
    rng = np.random.default_rng(0)
    metrics = pl.DataFrame({"run": drawn["run"], "loss": 3 - drawn["code"] + rng.normal(0, 0.01, len(drawn))})
    swarm = mixes.read_swarm(tmp_path / "ratios.csv", metrics)
    assert swarm.domains == ("code", "web")
    assert swarm.scored.seeds["natural-2"] == 2


def test_no_proxy_repeats_a_domain_too_often():
    drawn = mixes.draw_swarm(tokens={"web": 3e12, "code": 4e9, "math": 1e10}, mixes=8, proxy_tokens="10B", max_epochs=1)
    assert drawn["code"].max() <= 0.4


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"target": {"coed": 1}}, "target: no family or task 'coed' — did you mean 'code'?"),
        ({"budget": -5}, "budget: is not a number of tokens"),
        ({"budget": True}, "budget: is not a number of tokens"),
        ({"budget": "lots"}, "budget: is not a number of tokens"),
        ({"max_epochs": 0}, "max_epochs: input should be greater than 0"),
        ({"bounds": {"coed": 0.1}}, "bounds"),
        ({"closest": 2}, "closest: input should be less than or equal to 1"),
        ({"law": "quadratic"}, "law: no law has that name"),
        ({"tokens": {"web": 1e9, "code": -1, "math": 1e9}}, "tokens: row 2: tokens of 'code' are -1"),
        ({"tokens": {"web": 1e9}}, "tokens and the swarm have different domains"),
        ({"tokens": 7}, "tokens: is 7 — give a path, or a polars or pandas data frame"),
        ({"tokens": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_it(swarm, wrong, line):
    with pytest.raises(mixes.MixError) as raised:
        mixes.recommend(swarm, **{"target": {"code": 1}, "tokens": TOKENS, "replicates": 20, **wrong})
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_frames_without_names_are_refused(tables):
    weights = pl.DataFrame(np.full((4, 3), 1 / 3))
    with pytest.raises(mixes.MixError, match="ratios: the data frame has columns without names"):
        mixes.read_swarm(weights, tables[1])


@pytest.mark.parametrize(
    ("mix", "line"),
    [
        ({"web": 0.5, "code": 0.5}, "'math' is missing"),
        ({"web": 0.5, "code": 0.5, "maths": 0.0}, "mix: "),
        ({"web": 0.5, "code": 0.5, "math": 0.5}, "sum to 1.5, not to 1"),
        ({"web": 1.5, "code": -0.5, "math": 0.0}, "below 0"),
        ({"web": "half", "code": 0.5, "math": 0.0}, "weight of 'web' is 'half', not a number"),
        ({"web": float("nan"), "code": 0.5, "math": 0.5}, "sum to nan"),
    ],
)
def test_a_wrong_mix_is_refused(swarm, mix, line):
    with pytest.raises(mixes.MixError, match=line):
        mixes.fit_laws(swarm)["humaneval"].predict(mix)


def test_an_unknown_task_is_named(swarm):
    with pytest.raises(mixes.MixError, match="did you mean 'humaneval'"):
        mixes.fit_laws(swarm)["humanevl"]
    with pytest.raises(KeyError):
        mixes.fit_laws(swarm)["humanevl"]
    assert "nothing" not in mixes.fit_laws(swarm)


def test_what_is_no_swarm_is_refused(tables):
    with pytest.raises(mixes.MixError, match="swarm: is a DataFrame"):
        mixes.recommend(tables[0])
    with pytest.raises(mixes.MixError, match="ratios: is 3"):
        mixes.read_swarm(3, tables[1])
    with pytest.raises(mixes.MixError, match="draw_swarm: unknown field 'mixs'"):
        mixes.draw_swarm({"a": 1, "b": 1}, mixes=9, mixs=3)
