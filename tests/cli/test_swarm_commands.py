"""Anyone's swarm on the command line."""

import json

import polars as pl
from support import mixwright, said_here
from swarm_tables import swarm_frames, write


def test_the_command_line(tmp_path):
    ratios, metrics = swarm_frames(30)
    write(tmp_path, ratios, metrics)
    files = ("--ratios", "ratios.csv", "--metrics", "metrics.csv")
    done = mixwright("check-law", *files, "--law", "linear", "--runs", "20", "--json", folder=tmp_path)
    printed = json.loads(done.stdout)
    assert set(printed) == {"law", "chosen", "runs", "spearman_mean", "spearman", "regret", "seconds"}
    assert printed["runs"] == 20
    assert "joined by 'run'" in done.stderr
    for words, line in (
        (("recommend",), "give an experiment file, or --ratios and --metrics"),
        (("recommend", *files, "--budget", "1T"), "epochs can only be counted with --tokens"),
        (("check-law", *files, "--law", "cubic"), "law: 'cubic' is unknown — known are auto, linear"),
    ):
        assert line in said_here(tmp_path, *words)


def test_a_swarm_of_several_sizes(tmp_path):
    ratios, metrics = swarm_frames(30)
    sizes = [("1M", "20M"), ("4M", "80M"), ("16M", "320M")]
    columns = {name: [sizes[row // 10][i] for row in range(30)] for i, name in enumerate(("parameters", "tokens"))}
    write(tmp_path, ratios.with_columns(**{name: pl.Series(values) for name, values in columns.items()}), metrics)
    files = ("--ratios", "ratios.csv", "--metrics", "metrics.csv")
    done = mixwright("check-law", *files, "--at", "16M", "--json", folder=tmp_path)
    printed = json.loads(done.stdout)
    assert (printed["at"], printed["runs"]) == ("16M:320M", 20)
    assert set(printed["errors"]) == set(printed["coverage"]) == set(printed["spearman"])
    for words, line in (
        (("recommend", *files), "its runs have 3 sizes (1M:20M, 4M:80M, 16M:320M) — say with --at"),
        (("recommend", *files, "--at", "9T"), "lies 562,500 times beyond the size of the runs, which span 16 times"),
        (("recommend", *files, "--at", "1B:9T"), "has 9,000 tokens per parameter, and the runs have 20"),
        (("check-law", *files, "--at", "2M"), "no run has that size, so it cannot be held out"),
        (("check-law", *files, "--at", "two"), "is no size — write parameters:tokens"),
    ):
        assert line in said_here(tmp_path, *words)
