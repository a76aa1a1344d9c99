"""Where a finished swarm could have stopped: the expected regret after its first mixes, then after more and more.

    python benchmarks/stopping_sample.py experiments/sample.yaml [--least 10] [--step 2]

The swarm's proxies are taken in the order in which they are trained, mixes of several seeds first. Nothing is trained.
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.experiment import load_experiment
from flows.plan.known import look
from flows.settings.question import question_of
from mixes.certainty.fitted import fit_swarm
from mixes.recommendation.answer import answer
from mixes.recommendation.rounds import FOR_REGRET, look_ahead
from mixes.target import OVERALL
from pipeline.train.swarm import training_order

NAMED = 4  # domains whose weights are shown


def main() -> None:
    """Prints the table."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("experiment", type=Path)
    read.add_argument("--least", type=int, default=10)
    read.add_argument("--step", type=int, default=2)
    asked = read.parse_args()
    experiment = load_experiment(asked.experiment)
    known = look(experiment)
    assert known.evidence
    runs = {known.evidence.run_id(candidate): candidate for candidate in known.trained}
    order = [runs[run] for run in training_order(runs)]
    mixes = list(dict.fromkeys(candidate.mix for candidate in order))
    table = Table(title=f"{len(order)} proxies on {len(mixes)} mixes", title_justify="left")
    for name in ("mixes", "proxies", "regret, noises", "regret, bpb", "gain", "mix"):
        table.add_column(name, justify="left" if name == "mix" else "right")
    for count in [*range(asked.least, len(mixes), asked.step), len(mixes)]:
        used = [candidate for candidate in order if candidate.mix in mixes[:count]]
        question = question_of(experiment, known.evidence, used)
        ahead = look_ahead(question, FOR_REGRET)
        fitted = fit_swarm(question.runs, question.settings.law, question.seed, question.seeds)
        best = answer(question, fitted)
        row = best.predicted[OVERALL]
        largest = sorted(best.mix, key=lambda name: -best.mix[name])[:NAMED]
        table.add_row(
            str(count), str(len(used)), f"{ahead.noises:.2f}", f"{ahead.regret:.3f}", f"{row.natural - row.mix:+.3f}",
            ", ".join(f"{name} {best.mix[name]:.0%}" for name in largest),
        )  # fmt: skip
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
