"""Anyone's swarm on the command line."""

import json

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
