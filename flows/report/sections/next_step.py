"""What to do next: which mixes to train, with how many seeds, and what difference that could show."""

import numpy as np

from flows.report.findings import Findings
from flows.report.words import amount
from mixes.target import OVERALL

MOST_SEEDS = 10  # of each mix (assumed: more cost more than the answer is worth)
COVERAGE = 0.9  # of the interval of a measured gain, as `mixwright validate` states it


def next_step(findings: Findings) -> str:
    """The next step, and how sure it would make the answer."""
    target = findings.recommendation.predicted[OVERALL]
    if findings.measured is not None:
        row = findings.measured.row(0, named=True)
        return (
            f"This mix was trained anew at {row['size']} on {amount(row['tokens'])} tokens. Train it and "
            f"{findings.reference} at a larger size before the real run: `mixwright validate EXP.yaml --size SIZE`."
        )
    if findings.recommendation.verdict[OVERALL] != "better":
        return (
            "More mixes, larger proxies or several seeds of one mix would make the answer surer; looser limits may "
            "allow a larger gain."
        )
    seeds, reach = seeds_to_see(target.noise, target.gain)
    unit = findings.unit(OVERALL)
    shows = "would show" if reach <= target.gain else "might still not show"
    seen = (
        f"A 90% interval of the measured gain would then reach about {reach:.3f} {unit} to either side, so the "
        f"predicted {target.gain:.3f} {shows}, if noise is as here."
    )
    if findings.corpus is not None and findings.at is None:
        return (
            f"`mixwright validate EXP.yaml --seeds {seeds}` trains natural, uniform and this mix anew with {seeds} "
            f"seeds each, larger than the swarm, before the real run. {seen}"
        )
    other = "natural" if findings.recommendation.reference == "natural" else "the mix that you have now"
    size = f"as near to {findings.at} as" if findings.at else "as large as"
    return (
        f"Before the real run, train {other} and this mix with {seeds} seeds each, {size} you can "
        f"afford, and score the same tasks. {seen} `recommend-mix` with the same options and --json prints the weights."
    )


def seeds_to_see(noise: float, gain: float) -> tuple[int, float]:
    """How many seeds of each mix it takes, and how far the measured gain's interval then reaches to either side.

    It reaches half of the gain or less, unless that takes more than MOST_SEEDS.

    Args:
        noise: standard deviation of the difference between two proxies of one seed.
        gain: that is predicted.
    """
    for seeds in range(2, MOST_SEEDS + 1):
        if (reach := _reach(noise, seeds)) <= gain / 2:
            return seeds, reach
    return MOST_SEEDS, _reach(noise, MOST_SEEDS)


def _reach(noise: float, seeds: int) -> float:
    """Half width of Student's interval of a mean of `seeds` paired differences."""
    from scipy.special import stdtrit  # slow to import

    return float(stdtrit(seeds - 1, (1 + COVERAGE) / 2) * noise / np.sqrt(seeds))
