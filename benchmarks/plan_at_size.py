"""Does the way that `mixwright plan --at` puts first really do best? Planted truths, of another form than the laws.

    python benchmarks/plan_at_size.py                   six seeds of four kinds of truth
    python benchmarks/plan_at_size.py --at-hand 20      with 20 proxies of the smallest size trained before

Each way to spend the budget is carried out: proxies are scored by the truth with noise, laws are fitted, and a mix is
recommended as for any swarm. Its regret is how much better the best mix is at the asked size, by the truth. Everything
is in standard deviations of the target over mixes.
"""

import argparse
import time
from dataclasses import replace

import numpy as np

import benchmarks.sizes as planted_sizes
from benchmarks.sizes import DOMAINS, PlantedTruth, planted_truth
from mixes.certainty.at_size import fit_swarm_at
from mixes.laws.ladder import ladder_to
from mixes.optimum.holdings import Holdings
from mixes.optimum.limits import Limits
from mixes.planning.allocation import Allocation, allocations
from mixes.planning.imagined import compared
from mixes.planning.setting import AtHand, Setting
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs, Size
from mixes.swarm import AROUND, LEAST

SIZES = tuple(Size(n, 20 * n) for n in (60e6, 120e6, 300e6))
ASKED = Size(1.2e9, 24e9)
COSTS = {size: 6 * size.parameters * size.tokens for size in SIZES}  # FLOPs per run
NOISE = 0.25  # of one run, in standard deviations over mixes
KINDS = ("plain", "growing", "drifting", "interactions")
NAMES = tuple(f"d{i}" for i in range(DOMAINS))
EVEN = np.full(DOMAINS, 1 / DOMAINS)
FIRST, AS_GOOD, WORSE = "least regret", "as good", "worse"
OFFERED = 40_000  # mixes among which the truth's best is looked for


def name_of(way: Allocation) -> str:
    """`120 × 60M, then 4 × 300M near the best`."""
    return ", ".join(
        f"{step.runs} × {step.size.parameters / 1e6:.0f}M{' near the best' if step.chosen else ''}"
        for step in way.steps
    )


def scored(truth: PlantedTruth, mixes: np.ndarray, size: Size, prefix: str, rng: np.random.Generator) -> list[Run]:
    """Runs of the mixes (n, n_domains), the first of which may be one that is there already."""
    runs = []
    for number, mix in enumerate(mixes):
        value = truth.score(mix, size.parameters)[0] / np.atleast_1d(truth.noise)[0] + NOISE * rng.standard_normal()
        weights = dict(zip(NAMES, map(float, mix), strict=True))
        runs.append(Run(f"{prefix}{number:04d}", f"{prefix}{number:04d}", weights, {"t": float(value)}, size))
    return runs


def recommended(runs: list[Run], seed: int) -> np.ndarray:
    """(n_domains,) what is recommended at the asked size by runs of several sizes, or of one at its own."""
    at = ASKED if len({run.size for run in runs}) > 1 else None
    made = Runs(runs if at else [replace(run, size=None) for run in runs])
    natural = dict.fromkeys(NAMES, 1 / DOMAINS)
    question = Question(made, {"t": "t"}, Holdings(natural), RecommendSettings(law="transfer"), seed, at=at)
    problem = problem_of(question, fit_swarm_at(made, "transfer", seed, at=at))
    return problem.solve(problem.objective, problem.limits).mix


def carried_out(truth: PlantedTruth, way: Allocation, mixes: np.ndarray, before: list[Run], seed: int) -> np.ndarray:
    """(n_domains,) the mix that a way leads to."""
    rng, runs, taken = np.random.default_rng([seed, 5]), list(before), len(before)
    for number, step in enumerate(way.steps):
        drawn = mixes[np.arange(taken, taken + step.runs) % len(mixes)]
        if step.chosen:
            around = rng.dirichlet(AROUND * recommended(runs, seed) + LEAST, step.runs - 1)
            drawn = np.concatenate([EVEN[None], around])
        runs += scored(truth, drawn, step.size, f"s{number}r", rng)
        taken += step.runs
    return recommended(runs, seed)


def planned(mixes: np.ndarray, ways: list[Allocation], before: list[Run], seed: int) -> dict[str, tuple[float, str]]:
    """Way → the regret that the plan expects, and its verdict."""
    sizes = sorted({step.size for way in ways for step in way.steps})
    at_hand = None
    if before:
        weights = np.array([list(run.weights.values()) for run in before])
        names = tuple(run.mix for run in before)
        scores = np.array([run.scores["t"] for run in before])
        at_hand = AtHand(weights, tuple(run.size for run in before if run.size), scores, names)
    setting = Setting(NAMES, mixes, Limits(NAMES), 0.5, ladder_to(sizes, ASKED), at_hand, seed=seed)
    results = compared(setting, ways, lambda done, total: None)
    verdicts = [FIRST] + [AS_GOOD if result.as_good_as(results[0]) else WORSE for result in results[1:]]
    return {
        name_of(result.allocation): (result.regret, verdict) for result, verdict in zip(results, verdicts, strict=True)
    }


def main() -> None:
    """Prints a table of ways, and what taking the plan's first way brings against the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--at-hand", type=int, default=0)
    parser.add_argument("--small", type=int, default=240, help="the budget, in proxies of the smallest size")
    asked = parser.parse_args()
    planted_sizes.TASKS = 1
    started = time.process_time()
    ways = allocations(COSTS, asked.small * COSTS[SIZES[0]], ASKED, SIZES[:1] * bool(asked.at_hand), asked.at_hand)
    expected: dict[str, list[float]] = {name_of(way): [] for way in ways}
    found: dict[tuple[str, str], list[float]] = {}
    by_verdict: dict[tuple[str, str], list[float]] = {}
    for kind in KINDS:
        for seed in range(asked.seeds):
            rng = np.random.default_rng([seed, KINDS.index(kind)])
            truth = planted_truth(kind, rng, ASKED.parameters)
            mixes = np.concatenate([EVEN[None], rng.dirichlet(np.full(DOMAINS, 0.8), 400)])
            before = scored(truth, mixes[: asked.at_hand], SIZES[0], "b", rng)
            plan = planned(mixes, ways, before, seed)
            ends = {name_of(way): carried_out(truth, way, mixes, before, seed) for way in ways}
            offered = np.concatenate([
                rng.dirichlet(np.full(DOMAINS, 0.4), OFFERED), list(ends.values()),
                *(rng.dirichlet(300 * end + 1e-3, 300) for end in ends.values()),
            ])  # fmt: skip
            spread = np.atleast_1d(truth.noise)[0]
            best = min(truth.score(mix, ASKED.parameters)[0] for mix in offered)
            regrets = {
                name: (truth.score(end, ASKED.parameters)[0] - best) / spread for name, end in ends.items()
            }  # fmt: skip
            for name, regret in regrets.items():
                expected[name].append(plan[name][0])
                by_verdict.setdefault((kind, plan[name][1]), []).append(regret)
                found.setdefault((kind, name), []).append(regret)
        print(f"{kind}: {time.process_time() - started:.0f} processor seconds so far", flush=True)
    print("\n| way | expected |", " | ".join(KINDS), "| mean |\n|---|---|", "---|" * (len(KINDS) + 1), sep="")
    for name, values in expected.items():
        means = [float(np.mean(found[kind, name])) for kind in KINDS]
        print(f"| {name} | {np.mean(values):.3f} |", " | ".join(f"{mean:.3f}" for mean in means),
              f"| {np.mean(means):.3f} |")  # fmt: skip
    print("\n| verdict of the plan |", " | ".join(KINDS), "|\n|---|", "---|" * len(KINDS), sep="")
    for verdict in (FIRST, AS_GOOD, WORSE):
        rows = [by_verdict.get((kind, verdict), []) for kind in KINDS]
        print(f"| {verdict} |", " | ".join(f"{np.mean(row):.3f} ({len(row)})" if row else "–" for row in rows), "|")


if __name__ == "__main__":
    main()
