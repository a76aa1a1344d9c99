"""Midtraining: what the swarm's proxies started from is scored itself, and what a mix forgets is counted from there."""

import io
import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import torch
import yaml
from conftest import SETTINGS, mixwright
from rich.console import Console
from test_bad_input import changed, said
from test_cohort import CANDIDATES, train
from test_recommend import FAMILIES, NATURAL, swarm
from tokenizers import Tokenizer

from flows.show.recommendation import Shown, print_recommendation, recommendation_markdown
from mixes.errors import MixError
from mixes.laws.registry import LAWS
from mixes.optimum.holdings import Holdings
from mixes.optimum.objective import Objective, Part
from mixes.optimum.settings import LimitSettings, limits_of
from mixes.proxy.checkpoint import load_proxy, save_proxy
from mixes.proxy.settings import ProxySettings
from mixes.proxy.train import rate
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.swarm import Candidate
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool
from pipeline.store.tokenizer import vocabulary_hash
from pipeline.train.checkpoint_scores import checkpoint_id, read_checkpoint, score_checkpoint
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm

OWN = {"humaneval": 2.6, "mbpp": 3.2, "sciq": 2.5}  # the planted checkpoint's scores


@pytest.fixture(scope="module")
def saved(evidence, tmp_path_factory) -> Path:
    """A proxy that was trained and kept, in a folder with its records."""
    folder = tmp_path_factory.mktemp("saved")
    kept, _ = train(evidence, folder, CANDIDATES[:1], keep_models=True)
    return folder / "records" / "models" / f"{kept.run_id(CANDIDATES[0])}.pt"


def started(evidence: Evidence, path: Path, **changes: object) -> Evidence:
    """The same swarm, from a checkpoint."""
    changed = SETTINGS.model_copy(update={"init_from": str(path), **changes})
    return Evidence(evidence.pool, evidence.suite, changed)


def score(evidence: Evidence, folder: Path) -> pl.DataFrame:
    """Score the checkpoint into `folder`, in this process; the record."""
    one = ExecutorSettings(workers=1)
    score_checkpoint(evidence, folder / "records", folder / "logs", one, lambda done, total: None)
    return pl.read_parquet(folder / "records" / "checkpoint_scores" / f"{checkpoint_id(evidence)}.parquet")


def test_a_checkpoints_scores_are_those_of_the_run_that_it_was_saved_from(evidence, saved, tmp_path):
    ours = score(started(evidence, saved), tmp_path)
    theirs = pl.read_parquet(saved.parent.parent / "scores" / f"{saved.stem}.parquet")
    assert set(theirs["kind"]) == {"task", "validation"}
    assert ours.drop("checkpoint").equals(theirs.drop("run"))  # to the last bit
    tasks = theirs.filter(pl.col("kind") == "task")
    found = read_checkpoint(started(evidence, saved), tmp_path / "records")
    assert found == dict(zip(tasks["task"], tasks["bpb"], strict=True))
    assert read_checkpoint(evidence, tmp_path / "records") is None
    assert checkpoint_id(evidence) is None


def test_a_checkpoint_is_scored_once_wherever_it_lies(evidence, saved, tmp_path):
    begun = started(evidence, saved)
    first = score(begun, tmp_path)
    record = tmp_path / "records" / "checkpoint_scores" / f"{checkpoint_id(begun)}.parquet"
    before = record.stat().st_mtime_ns
    moved = tmp_path / "elsewhere.pt"
    moved.write_bytes(saved.read_bytes())
    for other in (started(evidence, moved), started(evidence, moved, learning_rate=1e-3, tokens=16_384)):
        assert score(other, tmp_path).equals(first)
    assert record.stat().st_mtime_ns == before
    record.unlink()  # a record that was lost is made again, whatever datatrove's marks say
    assert score(begun, tmp_path).equals(first)
    weights = load_proxy(saved, SETTINGS)
    save_proxy(moved, {**weights, "gain": 2 * weights["gain"]}, tokenizer_of(evidence))
    assert checkpoint_id(started(evidence, moved)) != checkpoint_id(begun)
    assert not score(started(evidence, moved), tmp_path)["bpb"].equals(first["bpb"])


def tokenizer_of(evidence: Evidence) -> str:
    return vocabulary_hash(Pool(evidence.pool).tokenizer)


def test_a_checkpoint_of_another_kind_is_one_line_before_any_rank(evidence, saved, tmp_path):
    weights, hashed = load_proxy(saved, SETTINGS), tokenizer_of(evidence)
    wrong = {name: tmp_path / f"{name}.pt" for name in ("tensor", "cohort", "longer", "foreign", "sick")}
    torch.save(weights["embed"], wrong["tensor"])
    torch.save({"moment": {}, "weights": weights, "optimiser": {}}, wrong["cohort"])  # what a killed cohort leaves
    save_proxy(wrong["longer"], {**weights, "embed": torch.zeros(513, 96)}, hashed)
    save_proxy(wrong["foreign"], weights, "of the same size")
    save_proxy(wrong["sick"], {**weights, "gain": weights["gain"] * float("nan")}, hashed)
    told = {
        wrong["tensor"]: "is no saved proxy",
        wrong["cohort"]: r"is no saved proxy \(it holds something else than names with finite numbers\)",
        wrong["longer"]: r"has embed \[513, 96\], a proxy of size 100k over 512 tokens \[512, 96\]",
        wrong["foreign"]: "the tokens of another tokenizer, of as many tokens .* set tokenizer.path",
        wrong["sick"]: "something else than names with finite numbers",
    }
    for path, line in told.items():
        with pytest.raises(MixError, match=line) as error:
            score(started(evidence, path), tmp_path)
        assert "\n" not in str(error.value)
    with pytest.raises(MixError, match=r"has blocks.1.* not at all.*\[.*start from a proxy of the same size"):
        score(started(evidence, saved, size="200k"), tmp_path)
    assert not (tmp_path / "logs").exists()
    assert not (tmp_path / "records").exists()


def test_a_tokenizer_is_known_by_its_tokens(evidence, tmp_path):
    one = Pool(evidence.pool).tokenizer
    one.save(str(tmp_path / "indented.json"), pretty=True)
    assert vocabulary_hash(Tokenizer.from_file(str(tmp_path / "indented.json"))) == vocabulary_hash(one)
    content = json.loads((tmp_path / "indented.json").read_text())
    vocabulary = content["model"]["vocab"]
    first, second = list(vocabulary)[100:102]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    other = Tokenizer.from_str(json.dumps(content))
    assert other.get_vocab_size() == one.get_vocab_size()
    assert vocabulary_hash(other) != vocabulary_hash(one)


def test_a_saved_proxy_is_annealed_unless_the_experiment_says_otherwise():
    fresh, begun = ProxySettings(), ProxySettings(init_from="a.pt")
    assert (fresh.learning_rate, fresh.decay) == (1.6e-2, 0.4)
    assert (begun.learning_rate, begun.decay) == (4e-3, 1.0)
    said = ProxySettings(init_from="a.pt", learning_rate=1e-2, decay=0.2)
    assert (said.learning_rate, said.decay) == (1e-2, 0.2)
    shares = [rate(step, begun) for step in range(begun.steps)]
    peak = shares.index(max(shares))
    assert peak <= begun.warmup * begun.steps + 1
    np.testing.assert_allclose(np.diff(shares[peak:]), -1 / begun.steps, atol=1e-9)  # down to zero on one line
    assert shares[-1] == pytest.approx(1 / begun.steps)


def ask(checkpoint: dict[str, float] | None = None, noise: float = 0.01, **settings) -> Recommendation:
    """A target of code over the planted swarm, where books help knowledge and code helps code."""
    chosen = RecommendSettings(replicates=20, target={"code": 1.0}, max_epochs=100.0, **settings)
    holdings = Holdings(NATURAL, {name: share * 1e6 for name, share in NATURAL.items()})
    return recommend(Question(swarm(1.0, noise), FAMILIES, holdings, chosen, checkpoint=checkpoint))


@pytest.fixture(scope="module")
def free() -> Recommendation:
    return ask(OWN)


def test_what_is_forgotten_is_counted_from_the_checkpoint(free):
    own = {"humaneval": 2.6, "mbpp": 3.2, "sciq": 2.5, "code": 2.9, "knowledge": 2.5, "target": 2.9}  # by hand
    assert {name: row.checkpoint for name, row in free.forgotten.items()} == pytest.approx(own)
    for name, row in free.forgotten.items():
        there = free.predicted[name]
        assert row.value == pytest.approx(there.mix - own[name])
        assert row.low == pytest.approx(there.mix_low - own[name])
        assert row.high == pytest.approx(there.mix_high - own[name])
        assert row.floor is None
    truth = {"humaneval": 3 - 1 - 2.6, "mbpp": 4 - 1 - 3.2, "sciq": 3 - 2.5}  # all weight on code
    assert {task: free.forgotten[task].value for task in truth} == pytest.approx(truth, abs=0.15)
    assert free.forgotten["sciq"].low > 0 > free.forgotten["humaneval"].high


def test_a_target_over_families_counts_each_family_as_the_target_does():
    found = ask_mean(OWN)
    assert found.forgotten["target"].checkpoint == pytest.approx((2.9 + 2.5) / 2)
    assert found.forgotten["target"].value == pytest.approx(found.predicted["target"].mix - 2.7)


def ask_mean(checkpoint: dict[str, float]) -> Recommendation:
    holdings = Holdings(NATURAL)
    settings = RecommendSettings(replicates=20)
    return recommend(Question(swarm(1.0, 0.01), FAMILIES, holdings, settings, checkpoint=checkpoint))


@pytest.mark.parametrize("noise", [0.01, 0.06])
def test_a_floor_holds_for_what_is_predicted_and_binds(free, noise):
    kept = ask(OWN, noise, limits={"keep": {"knowledge": 0.05}})
    row = kept.forgotten["knowledge"]
    assert row.floor == 0.05
    assert free.forgotten["knowledge"].value > 0.3
    assert kept.predicted["knowledge"].mix <= 2.5 + 0.05 + 1e-4
    optimism = max(0.0, kept.predicted["knowledge"].optimism)
    by_the_laws = kept.predicted["knowledge"].mix - kept.predicted["knowledge"].optimism
    assert by_the_laws == pytest.approx(2.55 - optimism, abs=1e-4)  # no more is given up than that
    name, price = next(item for item in kept.binding.items() if item[0].startswith("keep"))
    assert "2.5 of the checkpoint +0.05" in name
    assert price > 0
    assert kept.mix["books"] > free.mix["books"] + 0.1


def test_a_floor_that_costs_nothing_changes_nothing(free):
    loose = ask(OWN, limits={"keep": {"knowledge": 5.0}})
    assert loose.mix == pytest.approx(free.mix, abs=1e-6)


def test_without_a_checkpoint_a_floor_is_counted_from_natural():
    found = ask(limits={"keep": {"knowledge": 0.1}})
    lost = found.predicted["knowledge"]
    assert lost.mix - lost.optimism - lost.natural == pytest.approx(0.1, abs=1e-4)
    assert found.forgotten == {}
    name = next(name for name in found.binding if name.startswith("keep"))
    assert f"({lost.natural:.4g} of natural +0.1)" in name


def test_what_a_floor_is_counted_from_is_said():
    linear = Objective((Part(LAWS["linear"], np.array([[1.0, 2.0]]), np.ones(1)),), np.array([0.5, 0.5]))
    settings = LimitSettings(keep={"code": 0.3})

    def name(settings=settings, **more) -> str:
        return limits_of(settings, ("a", "b"), linear.anchor, {"code": linear}, **more).ceilings[0].name

    assert name() == "keep: code ≤ 1.8 bpb (1.5 of natural +0.3)"
    assert name(called="the swarm's centre") == "keep: code ≤ 1.8 bpb (1.5 of the swarm's centre +0.3)"
    near = LimitSettings(keep={"code": 0.3}, near={"a": 0.5, "b": 0.5})
    assert name(near) == "keep: code ≤ 1.8 bpb (1.5 of the mix of `near` +0.3)"
    assert name(checkpoint={"code": 1.2}) == "keep: code ≤ 1.5 bpb (1.2 of the checkpoint +0.3)"
    lowered = "keep: code ≤ 1.4 bpb (1.2 of the checkpoint +0.3, the laws' optimism of 0.1 taken off)"
    assert name(checkpoint={"code": 1.2}, optimism={"code": 0.1}) == lowered


def test_a_floor_that_no_mix_keeps_is_one_line_with_the_least_that_is_possible():
    """Two laws, against a fine grid of mixes."""
    domains, even = ("a", "b", "c"), np.full(3, 1 / 3)
    kind = LAWS["log_linear"]
    curve = Objective((Part(kind, np.array([[1.0, 0.2, 0.5, 0.4, -0.8, 0.3]]), np.ones(1)),), even)
    linear = Objective((Part(LAWS["linear"], np.array([[1.0, 2.0, 3.0]]), np.ones(1)),), even)
    grid = np.array([(i, j, 200 - i - j) for i in range(201) for j in range(201 - i)]) / 200
    for aim, bounds in ((linear, {}), (curve, {}), (linear, {"a": [None, 0.25]}), (curve, {"b": [0.1, 0.3]})):
        settings = LimitSettings(keep={"code": 0.02}, bounds=bounds)
        allowed = grid
        for name, (low, high) in bounds.items():
            column = grid[:, domains.index(name)]
            allowed = allowed[(column >= (low or 0)) & (column <= high)]
        least = float(aim.value(allowed).min())
        with pytest.raises(MixError) as error:
            limits_of(settings, domains, even, {"code": aim}, checkpoint={"code": least - 0.1})
        line = str(error.value)
        assert "\n" not in line
        assert f"{least - 0.1:.4g} of the checkpoint +0.02" in line
        assert float(line.partition("least possible")[0].split()[-3].strip("(")) == pytest.approx(least, abs=2e-3)
        assert ("bounds:" in line) == bool(bounds)


def test_scores_of_other_tasks_are_refused():
    with pytest.raises(MixError, match="checkpoint's scores: 'sciq' is missing"):
        ask({"humaneval": 2.6, "mbpp": 3.2})
    with pytest.raises(MixError, match="checkpoint's scores: 'drop' is unknown"):
        ask({**OWN, "drop": 1.0})


def printed(found: Recommendation) -> str:
    shown = io.StringIO()
    print_recommendation(found, Console(width=120, file=shown), Shown())
    return shown.getvalue()


def test_what_is_printed(free):
    text = printed(free)
    assert "Against the checkpoint" in text
    row = free.forgotten["knowledge"]
    line = next(line for line in text.splitlines() if line.split()[:2] == ["knowledge", "2.500"])
    assert f"{row.value:+.3f}" in line
    assert f"{row.low:+.3f} – {row.high:+.3f}" in line
    assert (
        f"forgotten over their whole 90 % interval: 1 of 3 tasks, sciq {free.forgotten['sciq'].value:+.3f} bpb" in text
    )
    assert "| family | checkpoint | recommended | forgotten | 90 % interval |" in recommendation_markdown(free)
    assert "keep" not in text
    floors = {name: replace(row, floor=0.6) for name, row in free.forgotten.items()}
    assert "≤ +0.600" in printed(replace(free, forgotten=floors))
    without = printed(replace(free, forgotten={}))
    assert "checkpoint" not in without
    assert "forgotten" not in without
    assert "checkpoint" not in recommendation_markdown(replace(free, forgotten={}))


@pytest.fixture(scope="module")
def midtrained(tiny, finished, server) -> dict:
    """The tiny experiment from a proxy that its pool trained, as JSON."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    stages = tiny / "work" / "stages"
    pool, suite = next(stages.glob("pool-*")), next(stages.glob("suite-*"))
    first = Evidence(pool, suite, ProxySettings(**{**content["proxy"], "keep_models": True}))
    trunk = [Candidate("natural", Pool(pool).natural, 50)]
    train_swarm(
        first,
        trunk,
        tiny / "trunk" / "records",
        tiny / "trunk" / "logs",
        ExecutorSettings(workers=1),
        lambda d, n: None,
    )
    content["proxy"] |= {"init_from": f"trunk/records/models/{first.run_id(trunk[0])}.pt"}
    (tiny / "midtrained.yaml").write_text(yaml.safe_dump(content))
    words = ("recommend", "midtrained.yaml", "--json", "--keep", "code=0.5")
    return json.loads(mixwright(*words, folder=tiny, PREFECT_API_URL=server).stdout)


def test_an_experiment_from_a_checkpoint_end_to_end(tiny, finished, midtrained):
    assert finished["forgotten"] == {}
    assert "checkpoint" not in finished["evidence"]
    records = tiny / "trunk" / "records" / "scores"
    own = pl.read_parquet(records / "*.parquet").filter(pl.col("kind") == "task")
    scores = dict(own.select("task", "bpb").iter_rows())
    assert {task: midtrained["forgotten"][task]["checkpoint"] for task in scores} == scores
    assert midtrained["forgotten"]["code"]["floor"] == 0.5
    assert midtrained["forgotten"]["code"]["value"] <= 0.5 + 1e-6
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select name, checkpoint_bpb from predictions").fetchall()
        kept = catalog.sql("select checkpoint, task, bpb from checkpoint_scores where kind = 'task'").fetchall()
    assert dict(rows) == {name: row["checkpoint"] for name, row in midtrained["forgotten"].items()}
    assert {task: bpb for _, task, bpb in kept} == scores
    assert {checkpoint for checkpoint, _, _ in kept} == {midtrained["evidence"]["checkpoint"]}


@pytest.mark.usefixtures("served")
def test_a_start_that_is_none_is_told_before_anything_runs(tiny):
    """Nothing of the pool is there yet where this experiment works."""
    (tiny / "notes.pt").write_text("no proxy")
    for name, value, line in (
        ("nowhere", "nowhere.pt", "proxy.init_from: no file 'nowhere.pt'"),
        (
            "notes",
            "notes.pt",
            "notes.pt is no saved proxy (torch.save writes no such file) — keep_models: true saves them",
        ),
    ):
        content = yaml.safe_load((tiny / changed(tiny, name, "proxy", "init_from", value=value)).read_text())
        (tiny / f"{name}.yaml").write_text(yaml.safe_dump({**content, "work": "unused"}))
        assert line in said(tiny, "run", f"{name}.yaml")
        assert not list((tiny / "unused" / "stages").glob("*"))
