"""Anyone's swarm: files as Olmix and RegMix write them are joined by key; what is doubtful is one clear line."""

import re

import numpy as np
import polars as pl
import pytest
from swarm_tables import DOMAINS, TASKS, swarm_frames, write

from flows.errors import INPUT_ERRORS
from mixes.laws.check import check_law
from mixes.recommendation.from_tables import check_domains
from mixes.tables.keys import draw_runs
from mixes.tables.read import read_swarm, read_table


def read(folder, families: str | None = None):
    if families:
        (folder / "families.yaml").write_text(families)
    return read_swarm(
        read_table(folder / "ratios.csv"), str(folder / "metrics.csv"), folder / "families.yaml" if families else None
    )


def refused(folder, ratios, metrics, families=None) -> str:
    write(folder, ratios, metrics)
    with pytest.raises(INPUT_ERRORS) as caught:
        read(folder, families)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_cell(frame: pl.DataFrame, column: str, row: int, value) -> pl.DataFrame:
    """One cell set; a word makes a column of text, as a CSV would be read."""
    kept = frame[column].to_list()
    kept[row] = value
    if isinstance(value, str):
        kept = [str(cell) for cell in kept]
    return frame.with_columns(pl.Series(column, kept, strict=False))


def same(one, other) -> None:
    assert one.ids == other.ids
    assert one.mixes == other.mixes
    assert (one.domains, one.tasks) == (other.domains, other.tasks)
    assert np.array_equal(one.weights(), other.weights())
    assert np.array_equal(one.scores(), other.scores())


def test_olmix_files_are_joined_by_key_in_any_order_and_form(tmp_path):
    ratios, metrics = swarm_frames()
    write(tmp_path, ratios, metrics)
    plain = read(tmp_path)
    assert plain.key == "run"
    assert plain.runs.domains == DOMAINS
    assert plain.runs.tasks == TASKS
    i = plain.runs.ids.index("hz03dfy")
    assert plain.runs.weights()[i] == pytest.approx(ratios.row(3)[3:])
    assert plain.runs.scores()[:, i] == pytest.approx(metrics.row(3)[3:])

    shuffled = metrics.sample(fraction=1, shuffle=True, seed=3).select(["mmlu_bpb", "index", "arc_bpb", "name", "run"])
    write(tmp_path, ratios.reverse(), shuffled)
    same(read(tmp_path).runs, plain.runs)

    ratios.write_parquet(tmp_path / "ratios.csv")  # the content decides, not the name
    same(read(tmp_path).runs, plain.runs)
    write(tmp_path, ratios.rename({"run": "run_id"}), metrics)
    same(read(tmp_path).runs, plain.runs)


def test_regmix_files_as_they_are(regmix):
    found = read_swarm(read_table(regmix / "train_mixture_1m.csv"), str(regmix / "train_pile_loss_1m.csv"))
    assert found.key == "index"
    assert len(found.runs) == 512
    assert "train_the_pile_arxiv" in found.runs.domains
    assert found.metrics["metric/the_pile_arxiv_val_loss"].unit == "nats per token"
    assert any("summed to 0.996 … 1.003 and were scaled to 1" in note for note in found.notes)
    raw = pl.read_csv(regmix / "train_pile_loss_1m.csv")
    i = found.runs.ids.index("100")
    row = raw.filter(pl.col("index") == 100)
    assert found.runs.scores()[0, i] == row["metric/the_pile_arxiv_val_loss"][0]


def test_equal_weights_are_replicates(tmp_path):
    ratios, metrics = swarm_frames()
    ratios = ratios.with_columns(
        [pl.when(pl.col("index") == 5).then(pl.col(d).get(2)).otherwise(d).alias(d) for d in DOMAINS]
    )
    write(tmp_path, ratios, metrics)
    (pair,) = read(tmp_path).runs.replicates()
    assert pair.ids == ("hz02dfy", "hz05dfy")


def test_another_key_where_run_is_not_unique(tmp_path):
    ratios, metrics = swarm_frames()
    group = pl.lit("one-group").alias("run")
    write(tmp_path, ratios.with_columns(group), metrics.with_columns(group))
    assert read(tmp_path).key == "name"


def test_row_numbers_of_pandas_and_columns_of_text_are_left_out(tmp_path):
    ratios, metrics = swarm_frames()
    write(tmp_path, ratios.with_row_index("Unnamed: 0").with_columns(note=pl.lit("fine")), metrics)
    found = read(tmp_path)
    assert found.runs.domains == DOMAINS
    assert any("column 'note' holds no numbers and is ignored" in note for note in found.notes)


def test_rounding_is_repaired_within_the_tolerance_and_no_further(tmp_path):
    ratios, metrics = swarm_frames()
    rounded = ratios.with_columns(pl.col(DOMAINS).round(2))
    write(tmp_path, rounded, metrics)
    assert read(tmp_path).runs.weights().sum(axis=1) == pytest.approx(1, abs=1e-12)
    line = refused(tmp_path, with_cell(ratios, "dclm", 4, ratios["dclm"][4] + 0.02), metrics)
    assert "row 5 (run 'hz04dfy'): weights sum to 1.02, not to 1 within 0.01 (1 of 14 rows)" in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r, m: (r, m.vstack(m[3:4])), "metrics.csv: run 'hz03dfy' appears twice"),
        (lambda r, m: (r, m[:-2]), "2 of 14 rows .*ratios.csv have no row in .*metrics.csv: run 'hz12dfy', 'hz13dfy'"),
        (lambda r, m: (r[1:], m), "1 of 14 rows of .*metrics.csv have no row in .*ratios.csv: run 'hz00dfy'"),
        (lambda r, m: (r, with_cell(m, "name", 2, "other")), "run 'hz02dfy' has name 'my-swarm-0002' .* and 'other'"),
        (lambda r, m: (r, with_cell(m, "run", 2, "")), "metrics.csv: row 3 has no run"),
        (lambda r, m: (r, m.drop("run", "name", "index")), "no key column is in both files"),
        (lambda r, m: (r, with_cell(m, "arc_bpb", 6, None)), r"row 7 \(run 'hz06dfy'\): score of 'arc_bpb' is missing"),
        (lambda r, m: (r, with_cell(m, "arc_bpb", 6, float("nan"))), "row 7 .*: score of 'arc_bpb' is nan"),
        (lambda r, m: (r, with_cell(m, "arc_bpb", 6, float("inf"))), "row 7 .*: score of 'arc_bpb' is inf"),
        (lambda r, m: (r, with_cell(m, "arc_bpb", 6, "n/a")), "row 7, column 'arc_bpb' is 'n/a', which is no number"),
        (lambda r, m: (r, m.with_columns(arc_bpb=2.5)), "'arc_bpb' has the same score in every run"),
        (lambda r, m: (with_cell(r, "dclm", 1, None), m), "row 2 .*: weight of 'dclm' is missing"),
        (lambda r, m: (with_cell(r, "dclm", 1, -0.1), m), "row 2 .*: weight of 'dclm' is -0.1"),
        (lambda r, m: (r.with_columns(pl.col(DOMAINS) * 100), m), "sum to 100, so they are percentages"),
        (lambda r, m: (r.with_columns(other=pl.col("index") + 3), m), "without column 'other' they would"),
        (lambda r, m: (r.with_columns(pl.col(DOMAINS) * 0.9), m), "sum to 0.9, not to 1 .* or set `rescale`"),
        (lambda r, m: (r.with_columns(pl.lit(0.0).alias(d) for d in DOMAINS), m), "row 1 .*: every weight is 0"),
        (lambda r, m: (r.with_columns(total=1.0), m), "column 'total' is the sum of the others"),
        (lambda r, m: (r[:0], m[:0]), "holds no rows"),
        (lambda r, m: (r, m.drop(TASKS)), "no column holds numbers"),
        (lambda r, m: (r.with_columns([pl.col(d).get(0).alias(d) for d in DOMAINS]), m), "all 14 runs have one mix"),
        (lambda r, m: (r, m.with_columns(r["dclm"])), "column 'dclm' of .*metrics.csv holds the weights"),
    ],
)  # fmt: skip
def test_bad_tables(tmp_path, change, said):
    assert re.search(said, refused(tmp_path, *change(*swarm_frames())))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no CSV"),
        (b"\x00\x01\x02\x03", "is neither CSV nor Parquet"),
        (b"PAR1 and no more", "cannot be read"),
        (b"x" * (1 << 24), "first line is longer than"),
        (b"run;a;b\n1;0.5;0.5\n", "separated by ';'"),
        (b"run,a,a\n1,0.5,0.5\n", "two columns are called 'a'"),
        (b"run,a,b\n1,0.5,0.5,0.7\n", "cannot be read"),
        (b"run,\xff\xfe,b\n1,0.5,0.5\n", "is no CSV"),
        (None, "No such file"),
    ],
)
def test_bad_files(tmp_path, content, said):
    if content is not None:
        (tmp_path / "ratios.csv").write_bytes(content)
    with pytest.raises(INPUT_ERRORS, match=said):
        read_table(tmp_path / "ratios.csv")


def test_a_csv_called_parquet(tmp_path):
    (tmp_path / "ratios.parquet").write_text("run,a,b\n1,0.5,0.5\n")
    with pytest.raises(INPUT_ERRORS, match="is neither CSV nor Parquet"):
        read_table(tmp_path / "ratios.parquet")


def test_domains_that_differ_are_listed(tmp_path):
    write(tmp_path, *swarm_frames())
    with pytest.raises(INPUT_ERRORS, match=r"only in tokens\.csv: 'books'; only in the swarm: 'dclm', 'wikipedia'"):
        check_domains("tokens.csv", {"arxiv": 1.0, "books": 1.0}, read(tmp_path))


def test_runs_are_drawn_in_order_of_their_keys(regmix):
    found = read_swarm(read_table(regmix / "train_mixture_1m.csv"), str(regmix / "train_pile_loss_1m.csv"))
    drawn = draw_runs(found.runs, 32, 5)
    wanted = np.sort(np.random.default_rng(5).permutation(512)[:32]) + 1  # RegMix counts from 1
    assert sorted(map(int, drawn.ids)) == wanted.tolist()


def test_check_law_finds_a_planted_law(tmp_path):
    write(tmp_path, *swarm_frames(40))
    train = read(tmp_path).runs
    write(tmp_path, *swarm_frames(30, seed=1))
    checked = check_law(train, read(tmp_path).runs, "transfer")
    assert checked.spearman_mean > 0.95
    assert 0 <= checked.regret < 0.1


@pytest.mark.parametrize(
    "name",
    [
        "arc_bpb_stderr", "arc_bpb_std_err", "arc_stderr,none", "acc_norm_stderr", "stderr", "arc_bpb_se",
        "arc_bpb_std", "arc_bpb_ci_low", "arc_bpb.std", "arc_bpb/stderr", "arc_bpb_StdErr",
    ],
)  # fmt: skip
def test_an_error_of_a_score_is_no_task(tmp_path, name):
    ratios, metrics = swarm_frames()
    write(tmp_path, ratios, metrics)
    plain = read(tmp_path)
    write(tmp_path, ratios, metrics.with_columns((pl.col("arc_bpb") / 100).alias(name)))
    swarm = read(tmp_path)
    same(swarm.runs, plain.runs)
    assert any(repr(name) in note and "errors of scores" in note for note in swarm.notes)


@pytest.mark.parametrize("name", ["std_bpb", "math_low_bpb", "variance_bpb", "sem_eval_bpb", "low"])
def test_a_task_that_is_called_like_an_error_stays_one(tmp_path, name):
    ratios, metrics = swarm_frames()
    write(tmp_path, ratios, metrics.with_columns((pl.col("arc_bpb") * 1.5).alias(name)))
    assert name in read(tmp_path).runs.tasks


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        (lambda x: f"{x:.6f}".replace(".", ","), "write a point for the decimal comma"),
        (lambda x: f"{1000 * x:,.3f}", "without units"),
        (lambda x: f"{x:.3f} bpb", "without units"),
        (lambda x: f"{100 * x:.1f}%", "without units"),
        (lambda x: f"{x:.3f} ± 0.01", "without units"),
        (lambda x: f"{x:.3f} (0.01)", "without units"),
        (lambda x: f"{x:.3f}nats/token", "without units"),
    ],
)
def test_numbers_that_are_not_read_are_refused(tmp_path, written, fix):
    ratios, metrics = swarm_frames()
    cells = [written(value) for value in metrics["arc_bpb"]]
    line = refused(tmp_path, ratios, metrics.with_columns(pl.Series("arc_bpb", cells)))
    assert f"metrics.csv: row 1, column 'arc_bpb' is {cells[0]!r}" in line
    assert fix in line


@pytest.mark.parametrize("text", ["2024-10-0{}", "run {}", "v{}", "{}M", "a{}f9", "OLMo-{}B"])
def test_columns_of_text_are_left_out_with_a_note(tmp_path, text):
    ratios, metrics = swarm_frames()
    cells = [text.format(n % 9 + 1) for n in range(len(metrics))]
    write(tmp_path, ratios, metrics.with_columns(pl.Series("note", cells)))
    assert any("'note' holds no numbers" in note for note in read(tmp_path).notes)


def test_a_column_of_seeds_is_neither_a_domain_nor_a_task(tmp_path):
    ratios, metrics = swarm_frames(12, seed=1)
    seeds = [number % 3 for number in range(12)]
    write(tmp_path, ratios.with_columns(seed=pl.Series(seeds)), metrics.with_columns(seed=pl.Series(seeds)))
    swarm = read(tmp_path)
    assert "seed" not in (*swarm.runs.domains, *swarm.runs.tasks)
    assert swarm.seeds == dict(zip(map(str, ratios[swarm.key]), seeds, strict=True))
    assert any("holds the seeds of the proxies" in note for note in swarm.notes)


def test_families_leave_metrics_out_and_name_them(tmp_path):
    ratios, metrics = swarm_frames(12, seed=1)
    write(tmp_path, ratios, metrics)
    swarm = read(tmp_path, 'all: ["*"]\nleave_out: ["mmlu*", "nothing*"]\n')
    assert "mmlu_bpb" not in swarm.runs.tasks
    assert "left out, as families say: mmlu_bpb" in swarm.notes
    assert "families: 'nothing*' match no metric" in swarm.notes


@pytest.mark.parametrize(
    ("families", "line"),
    [
        ('all: ["*"]\nleave_out: [mmlu_bbp]\n', "leave_out: no metric is called 'mmlu_bbp' — did you mean 'mmlu_bpb'"),
        ('leave_out: ["*"]\n', "leave_out names every metric"),
    ],
)
def test_wrong_names_to_leave_out(tmp_path, families, line):
    assert line in refused(tmp_path, *swarm_frames(12, seed=1), families)
