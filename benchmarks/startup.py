"""Processor seconds (user + system) of commands that answer at once, over a finished experiment.

    python benchmarks/startup.py [--bin .venv/bin] [--experiment experiments/sample.yaml] [--catalog PATH] [--runs 5]

Each command runs once unmeasured, then --runs times. Another target is another one each time, so none was answered
before. --catalog is for versions whose `sql` takes a catalog instead of an experiment.
"""

import argparse
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table


def processor_seconds(words: Sequence[str]) -> float:
    """User and system time of a command and of all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path(".venv/bin"))
    parser.add_argument("--experiment", default="experiments/sample.yaml")
    parser.add_argument("--catalog")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    mixwright, recommend_mix = str(given.bin / "mixwright"), str(given.bin / "recommend-mix")
    query = ["select 1", "--catalog", given.catalog] if given.catalog else [given.experiment, "select 1"]
    commands = {
        "mixwright --help": lambda number: [mixwright, "--help"],
        "mixwright sql": lambda number: [mixwright, "sql", *query],
        "recommend-mix, all there": lambda number: [recommend_mix, given.experiment],
        "recommend-mix, another target": lambda number: [
            recommend_mix, given.experiment, "--target", f"code={0.5 + number / 100}", "--target", "math=0.3",
        ],
    }  # fmt: skip
    table = Table("command", "median", "least", "most", title=f"Processor seconds, {given.runs} runs")
    for name, words in commands.items():
        processor_seconds(words(0))
        seconds = [processor_seconds(words(number)) for number in range(1, given.runs + 1)]
        table.add_row(name, *(f"{value:.2f}" for value in (median(seconds), min(seconds), max(seconds))))
    Console().print(table)


if __name__ == "__main__":
    main()
