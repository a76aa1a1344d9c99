"""lm-eval's and OLMES' result files are metrics: one run a file or folder, primary metric and direction known."""

import json

import numpy as np
import polars as pl
import pytest

from flows.errors import INPUT_ERRORS
from mixes.tables.keys import Table
from mixes.tables.read import read_swarm
from mixes.tables.results import read_results

RUNS = [f"mix-{i}" for i in range(4)]


@pytest.fixture
def ratios() -> Table:
    weights = np.random.default_rng(0).dirichlet(np.ones(2), size=4)
    return Table("ratios.csv", pl.DataFrame({"run": RUNS, "web": weights[:, 0], "code": weights[:, 1]}))


def lm_eval(value: float) -> dict:
    """As lm-eval 0.4 writes it: a group, filters, standard errors, directions."""
    return {
        "results": {
            "mmlu": {"acc,none": value, "alias": "mmlu"},
            "mmlu_law": {"alias": " - law", "acc,none": value, "acc_stderr,none": 0.01},
            "hellaswag": {"acc,none": 0.1, "acc_norm,none": value, "acc_norm_stderr,none": 0.01},
            "gsm8k": {"exact_match,strict-match": value, "exact_match,flexible-extract": 0.9},
            "wikitext": {"word_perplexity,none": 20.0, "bits_per_byte,none": value, "bits_per_byte_stderr,none": "N/A"},
        },
        "group_subtasks": {"mmlu": ["mmlu_law"], "mmlu_law": [], "hellaswag": []},
        "higher_is_better": {
            "mmlu_law": {"acc": True}, "hellaswag": {"acc": True, "acc_norm": True}, "gsm8k": {"exact_match": True},
            "wikitext": {"word_perplexity": False, "bits_per_byte": False},
        },
    }  # fmt: skip


def olmes(value: float) -> list[dict]:
    """The lines of metrics-all.jsonl: tasks, and the mean over them."""

    def row(name: str, metric: str, score: float) -> dict:
        return {
            "task_name": name, "task_config": {"primary_metric": metric, "metadata": {"alias": f"{name}::olmes"}},
            "num_instances": 100, "metrics": {"primary_score": score, "acc_raw": 0.5},
        }  # fmt: skip

    return [
        row("arc_easy", "acc_per_char", value), row("minerva_math", "exact_match", value),
        row("codex_humaneval", "bits_per_byte", 1 + value), row("average", "macro", 0.9),
    ]  # fmt: skip


def write_lm_eval(folder, name: str, value: float) -> None:
    place = folder / name / "out__checkpoint"
    place.mkdir(parents=True)
    (place / "results_2025-03-01T10-00-00.123456.json").write_text(json.dumps(lm_eval(value)))
    (place / "samples_gsm8k_2025-03-01T10-00-00.jsonl").write_text("{}\n")


def test_lm_eval(tmp_path, ratios):
    for i, name in enumerate(RUNS):
        write_lm_eval(tmp_path / "evals", name, 0.2 + 0.1 * i)
    found = read_swarm(ratios, str(tmp_path / "evals"))
    assert found.runs.ids == tuple(RUNS)
    assert found.runs.tasks == ("gsm8k", "hellaswag", "mmlu_law", "wikitext")  # the group is left out
    assert found.metrics["wikitext"].unit == "bpb"
    assert {found.metrics[task].direction for task in ("gsm8k", "hellaswag", "mmlu_law")} == {"higher"}
    assert found.runs.scores()[1] == pytest.approx([-0.2, -0.3, -0.4, -0.5])  # of acc_norm, turned
    assert found.runs.scores()[3] == pytest.approx([0.2, 0.3, 0.4, 0.5])


def test_files_named_after_their_runs_by_a_glob(tmp_path, ratios):
    for i, name in enumerate(RUNS):
        (tmp_path / f"{name}.json").write_text(json.dumps(lm_eval(0.2 + 0.1 * i)))
    (tmp_path / "config.json").write_text("{}")
    assert read_results(str(tmp_path / "mix-*.json"), ratios).table.frame["run"].to_list() == RUNS
    assert any("'config.json' hold no results" in note for note in read_results(str(tmp_path), ratios).notes)
    with pytest.raises(INPUT_ERRORS, match=r"config\.json: holds neither"):
        read_results(str(tmp_path / "*.json"), ratios)


@pytest.mark.parametrize("form", ["metrics-all.jsonl", "metrics.json", "both"])
def test_olmes(tmp_path, ratios, form):
    for i, name in enumerate(RUNS):
        folder = tmp_path / name
        folder.mkdir()
        rows = olmes(0.2 + 0.1 * i)
        if form != "metrics.json":
            (folder / "metrics-all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        if form != "metrics-all.jsonl":
            flat = [{"task": row["task_name"], **row["metrics"], "task_config": row["task_config"]} for row in rows]
            (folder / "metrics.json").write_text(json.dumps({"all_primary_scores": [], "metrics": flat}))
            (folder / "task-000-arc_easy-metrics.json").write_text(json.dumps(rows[0]))
    found = read_swarm(ratios, str(tmp_path))
    assert found.runs.tasks == ("arc_easy::olmes", "codex_humaneval::olmes", "minerva_math::olmes")
    assert [found.metrics[task].unit for task in found.runs.tasks] == ["accuracy", "bpb", "accuracy"]
    assert found.runs.scores()[0] == pytest.approx([-0.2, -0.3, -0.4, -0.5])
    assert found.runs.scores()[1] == pytest.approx([1.2, 1.3, 1.4, 1.5])


def broken_json(folder):
    (folder / "mix-1.json").write_text('{"results": {')


def of_no_run(folder):
    (folder / "somewhere.json").write_text(json.dumps(lm_eval(0.3)))


def twice(folder):
    write_lm_eval(folder, "mix-1", 0.3)


def without_a_task(folder):
    content = lm_eval(0.3)
    del content["results"]["gsm8k"]
    (folder / "mix-1.json").write_text(json.dumps(content))


def by_another_metric(folder):
    content = lm_eval(0.3)
    del content["results"]["hellaswag"]["acc_norm,none"]
    (folder / "mix-1.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (broken_json, r"mix-1\.json: is no JSON"),
        (of_no_run, r"somewhere\.json' bear no key of ratios\.csv"),
        (twice, "run 'mix-1' has a score on 'mmlu_law' in|run 'mix-1' has a score on 'gsm8k' in"),
        (without_a_task, "run 'mix-1' has no score on 'gsm8k', run 'mix-0' has"),
        (by_another_metric, "'hellaswag' is measured by 'acc,none' in run 'mix-1' and by 'acc_norm,none'"),
    ],
)
def test_results_that_do_not_fit(tmp_path, ratios, change, said):
    for i, name in enumerate(RUNS):
        (tmp_path / f"{name}.json").write_text(json.dumps(lm_eval(0.2 + 0.1 * i)))
    change(tmp_path)
    with pytest.raises(INPUT_ERRORS, match=said):
        read_results(str(tmp_path), ratios)


def test_no_results(tmp_path, ratios):
    with pytest.raises(INPUT_ERRORS, match="it holds no results of lm-eval or OLMES"):
        read_results(str(tmp_path), ratios)


def without_subtasks(content):
    """As lm-eval's table alone tells: a group, and its parts indented under it."""
    del content["group_subtasks"]


def old_groups(content):
    """As versions before 0.4.3 wrote it."""
    del content["group_subtasks"]
    del content["results"]["mmlu_law"]["alias"]
    content["groups"] = {"mmlu": dict(content["results"]["mmlu"])}


def configs(content):
    """Single tasks alone have a configuration."""
    del content["group_subtasks"]
    del content["results"]["mmlu_law"]["alias"]
    content["configs"] = {name: {} for name in content["results"] if name != "mmlu"}


def samples(content):
    """Single tasks alone have samples."""
    del content["group_subtasks"]
    del content["results"]["mmlu_law"]["alias"]
    content["n-samples"] = {name: {"original": 9} for name in content["results"] if name != "mmlu"}


@pytest.mark.parametrize("change", [without_subtasks, old_groups, configs, samples])
def test_a_group_beside_its_parts_counts_once(tmp_path, ratios, change):
    for i, name in enumerate(RUNS):
        content = lm_eval(0.2 + 0.1 * i)
        change(content)
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert read_swarm(ratios, str(tmp_path)).runs.tasks == ("gsm8k", "hellaswag", "mmlu_law", "wikitext")


@pytest.mark.parametrize(
    "place", ["org__{}", "home__models__{}", "ckpt", "{}__hf", "swarm-{}", "models__30M_{}-hf", "out__{}.final"]
)
def test_folders_as_lm_eval_calls_them(tmp_path, ratios, place):
    for i, name in enumerate(RUNS):
        folder = tmp_path / (place.format(name) if "{}" in place else f"ckpt-{i}")
        folder.mkdir()
        content = lm_eval(0.2 + 0.1 * i)
        content["config"] = {"model": "hf", "model_args": f"pretrained=/models/{name}/step1000-hf,dtype=float16"}
        (folder / "results_2025-03-01T10-00-00.123456.json").write_text(json.dumps(content))
    swarm = read_swarm(ratios, str(tmp_path))
    assert swarm.runs.ids == tuple(RUNS)
    assert swarm.runs.scores()[0] == pytest.approx([-0.2, -0.3, -0.4, -0.5])


def test_a_folder_of_no_run_is_refused_with_help(tmp_path, ratios):
    write_lm_eval(tmp_path, "checkpoint", 0.3)
    with pytest.raises(INPUT_ERRORS) as error:
        read_results(str(tmp_path), ratios)
    assert "bear no key of ratios.csv" in str(error.value)
    assert "name each run's folder by its key, as 'mix-0', for example by lm_eval --output_path" in str(error.value)
