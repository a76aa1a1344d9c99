"""Anyone's swarm on the command line."""

import json

from support import mixwright
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
    for words, said in (
        (("recommend",), "give an experiment file, or --ratios and --metrics"),
        (("recommend", *files, "--budget", "1T"), "epochs can only be counted with --tokens"),
        (("check-law", *files, "--law", "cubic"), "law: 'cubic' is unknown — known are auto, linear"),
    ):
        done = mixwright(*words, folder=tmp_path, expect=2)
        lines = [line for line in done.stderr.splitlines() if line.startswith("mixwright: ")]
        assert len(lines) == 1
        assert said in lines[0]
        assert not done.stdout
