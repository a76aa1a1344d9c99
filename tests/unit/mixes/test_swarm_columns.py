"""Columns that are plainly no scores are left out with a note; weights are scaled where that is asked."""

import pandas as pd
import polars as pl
import pytest
from swarm_tables import DOMAINS, swarm_frames

from mixes.api.swarm import read_swarm
from mixes.errors import MixError
from mixes.tables.columns import is_bookkeeping

NO_SCORES = (
    "n", "N", "num_samples", "n_samples", "n-samples", "numSamples", "sample_len", "samples", "num_fewshot", "n_shot",
    "timestamp", "date", "datetime", "created_at", "start_time", "end_date", "runtime", "duration", "elapsed",
    "elapsed_seconds", "wall_time", "total_evaluation_time_seconds", "gpu_hours", "_runtime", "_timestamp", "_step",
    "step", "steps", "global_step", "train/global_step", "epoch", "iteration", "tokens", "num_tokens", "tokens_seen",
    "total_flops", "n_params", "num_parameters", "model_size", "batch_size", "learning_rate", "lr", "random_seed",
    "slurm_job_id", "throughput/total_tokens",
)  # fmt: skip
TASKS = (
    "hellaswag", "lambada", "winogrande", "bbh_date_understanding", "bigbench/date", "openbookqa_n_gram", "question",
    "math_minerva", "mbpp", "tokenization", "step_by_step_math", "time_travel", "translation", "codex_humaneval",
    "pile/nature", "agieval_lsat_ar", "samsum", "countdown", "c4_en", "eval/loss", "seedling", "runtime_errors_qa",
)  # fmt: skip


@pytest.mark.parametrize("name", NO_SCORES)
def test_columns_that_keep_books(name):
    assert is_bookkeeping(name)


@pytest.mark.parametrize("name", TASKS)
def test_columns_that_are_tasks(name):
    assert not is_bookkeeping(name)


@pytest.mark.parametrize("frame", [lambda frame: frame, pl.DataFrame.to_pandas], ids=["polars", "pandas"])
def test_what_is_no_score_is_left_out_of_frames_with_a_note(frame):
    ratios, metrics = swarm_frames()
    rows = range(len(metrics))
    more = metrics.with_columns(
        n=pl.Series([100 + row for row in rows]),
        elapsed=pl.Series([f"{row} min" for row in rows]),
        arc_std=pl.Series([0.1 + row / 100 for row in rows]),
        arc_bpb_stderr=pl.Series(["N/A", *map(str, rows[1:])]),
        date=pl.Series(["2025-01-01"] * len(rows)).str.to_date(),
    )
    swarm = read_swarm(frame(ratios), frame(more))
    assert swarm.tasks == ("arc_bpb", "mmlu_bpb")
    notes = " ".join(swarm.notes)
    assert all(f"'{name}'" in notes for name in ("n", "elapsed", "arc_std", "arc_bpb_stderr", "date"))


def test_a_task_that_is_really_called_so_counts_where_families_name_it():
    ratios, metrics = swarm_frames()
    swarm = read_swarm(ratios, metrics.rename({"arc_bpb": "n"}), families={"x": ["n"], "y": ["*"]}, unit="bpb")
    assert swarm.families == {"x": ("n",), "y": ("mmlu_bpb",)}


def test_a_column_of_the_mixes_that_is_no_weight_is_left_out():
    ratios, metrics = swarm_frames()
    swarm = read_swarm(ratios.with_columns(steps=pl.lit(1000)), metrics)
    assert swarm.domains == DOMAINS
    assert any("'steps' hold no weights" in note for note in swarm.notes)
    kept = read_swarm(ratios.rename({"arxiv": "time"}), metrics)  # with it they sum to one
    assert "time" in kept.domains


def test_text_that_is_all_numbers_is_read():
    ratios, metrics = swarm_frames()
    text = metrics.with_columns(
        pl.col("arc_bpb").cast(pl.String), pl.col("mmlu_bpb").cast(pl.String).cast(pl.Categorical)
    )
    assert read_swarm(ratios, text).tasks == ("arc_bpb", "mmlu_bpb")


@pytest.mark.parametrize("odd", ["1,5", "failed", "1.5 bpb"])
def test_a_bad_cell_of_a_frame_is_named(odd):
    ratios, metrics = swarm_frames()
    cells: list = metrics["arc_bpb"].to_list()
    cells[6] = odd
    for frame in (
        metrics.to_pandas().assign(arc_bpb=pd.Series(cells, dtype=object)),
        metrics.with_columns(arc_bpb=pl.Series([str(cell) for cell in cells])),
    ):
        with pytest.raises(MixError, match=f"metrics: row 7, column 'arc_bpb' is '{odd}', which is no number"):
            read_swarm(ratios, frame)


@pytest.mark.parametrize("factor", [100.0, 0.9, 1e6])
def test_weights_are_scaled_where_that_is_asked(factor):
    ratios, metrics = swarm_frames()
    swarm = read_swarm(ratios.with_columns(pl.col(DOMAINS) * factor), metrics, rescale=True)
    plain = read_swarm(ratios, metrics)
    assert swarm.scored.runs.weights() == pytest.approx(plain.scored.runs.weights())
    assert any(f"weights of 14 of 14 rows summed to {factor:.6g} … {factor:.6g} and were scaled to 1" in note
               for note in swarm.notes)  # fmt: skip


def test_a_total_is_not_scaled_into_a_domain():
    ratios, metrics = swarm_frames()
    counts = ratios.with_columns(pl.col(DOMAINS) * 1e6).with_columns(all=pl.sum_horizontal(DOMAINS))
    with pytest.raises(MixError, match="column 'all' is the sum of the others"):
        read_swarm(counts, metrics, rescale=True)
