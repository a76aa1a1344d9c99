"""Three domains join an optimised fourteen: reuse of the earlier recommendation against starting over.

    python benchmarks/reuse.py FOLDER [--repetitions 20] [--earlier 70] [--max-epochs 4] [--law transfer] [--level 1]

FOLDER holds RegMix's files (train_mixture_1m.csv, train_pile_loss_1m.csv: 512 proxies, 17 domains, 13 losses in nats
per token). A transfer law fitted to all of them is the truth; a simulated proxy scores what the truth says of its mix,
plus normal noise of the residuals' covariance. Repetition r takes the three domains that
`numpy.random.default_rng(r)` chooses as the new ones, draws a swarm of `earlier` runs over the other fourteen and
optimises them; then, for each number of new runs:

- start over: a swarm over all seventeen;
- full reuse: a swarm over the fourteen as one virtual domain, and the three;
- partial reuse: the same, but the three heaviest of the fourteen are open too;
- earlier runs kept: as `reuse.runs` does it (`carry_runs`, `draw_beside`, `level_seeds`): new mixes over all seventeen,
  three earlier mixes trained once more, the law fitted to these and to the earlier runs together;
- kept, level taken as equal: the same runs, without the levelling.

All earlier scores lie at another level than the new ones: a draw of the noise, `level` times as large (`--level`).
Swarms, laws, optimum and the pull to natural are the tool's own, with its defaults. Regret: how far the true mean loss
of the chosen mix lies above the true optimum's.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from mixes.certainty.seeds import level_seeds
from mixes.laws.registry import LAWS
from mixes.optimum.best import best_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.beside import APART, draw_beside
from mixes.reuse.evidence import carry_runs
from mixes.reuse.plan import ReusePlan, draw_reusing_swarm, fold, fold_amounts, fold_caps, plan_reuse, unfold
from mixes.runs import Run, Runs
from mixes.swarm import Candidate, SwarmSettings, draw_swarm

# The Pile's shares of tokens as RegMix states them, in the order of its columns.
NATURAL = (
    0.11328527, 0.07960865, 0.00391349, 0.1853759, 0.05108136, 0.01596293, 0.10175077, 0.00370752, 0.06652935,
    0.00175077, 0.02708548, 0.23686921, 0.01184346, 0.00792997, 0.00803296, 0.03882595, 0.04644696,
)  # fmt: skip
NEW, REMIXED = 3, 3  # domains that join; domains that partial reuse opens
SIZES = (8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 85, 128)
SHARES = (0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97)  # of the gain of the true optimum over natural
POOL, PROXY = 10**10, 10**6  # tokens; a proxy is so small that no domain repeats
METHODS = ("start over", "full reuse", "partial reuse", "earlier runs kept", "kept, level taken as equal")
LINKS = 3  # earlier mixes that are trained once more; natural and uniform of today are new too


@dataclass(frozen=True)
class World:
    """The truth that proxies are simulated from."""

    domains: tuple[str, ...]
    parameters: np.ndarray  # (n_tasks, q) of the transfer law
    covariance: np.ndarray  # (n_tasks, n_tasks) of the noise
    natural: dict[str, float]
    caps: dict[str, float]
    law: str  # that swarms are fitted with
    pull: float  # nats per token

    def array(self, mixes: list[dict[str, float]]) -> np.ndarray:
        """(n, n_domains); a domain that a mix does not name has weight 0."""
        return np.array([[mix.get(name, 0.0) for name in self.domains] for mix in mixes])

    def loss(self, mix: dict[str, float]) -> float:
        """True mean loss."""
        return float(LAWS["transfer"].predict(self.parameters, self.array([mix])).mean())

    def train(self, mixes: list[dict[str, float]], rng: np.random.Generator) -> np.ndarray:
        """(n_tasks, n) noisy scores."""
        truth = LAWS["transfer"].predict(self.parameters, self.array(mixes))
        return truth + rng.multivariate_normal(np.zeros(len(truth)), self.covariance, size=len(mixes)).T


def read_world(folder: Path, max_epochs: float, law: str) -> World:
    """The law behind RegMix's swarm."""
    weights = pl.read_csv(folder / "train_mixture_1m.csv").sort("index").drop("index")
    scores = pl.read_csv(folder / "train_pile_loss_1m.csv").sort("index").drop("index").to_numpy().T
    domains = tuple(name.removeprefix("train_the_pile_") for name in weights.columns)
    mixes = weights.to_numpy() / weights.to_numpy().sum(axis=1, keepdims=True)
    parameters = LAWS["transfer"].fit(mixes, scores, np.ones_like(scores))
    residuals = scores - LAWS["transfer"].predict(parameters, mixes)
    freedom = len(mixes) - (parameters.shape[1] - 2)
    covariance = residuals @ residuals.T / freedom
    natural = dict(zip(domains, np.array(NATURAL) / sum(NATURAL), strict=True))
    return World(
        domains=domains,
        parameters=parameters,
        covariance=covariance,
        natural=natural,
        caps={name: min(1.0, max_epochs * share) for name, share in natural.items()},
        law=law,
        pull=RecommendSettings().pull * float(np.sqrt(2 * covariance.mean())),
    )


def optimum(
    law: str, parameters: np.ndarray, natural: dict[str, float], caps: dict[str, float], pull: float
) -> dict[str, float]:
    """The mix of least mean score; names and order as in `natural`."""
    values = np.full(len(parameters), 1 / len(parameters))
    anchor, most = np.array(list(natural.values())), np.array([caps[name] for name in natural])
    objective = Objective((Part(LAWS[law], parameters, values),), anchor, pull)
    bounds = [Bound(f"cap of {name}", (name,), high=float(cap)) for name, cap in zip(natural, most, strict=True)]
    found = best_mix(objective, Limits(tuple(natural), tuple(bounds)))
    return dict(zip(natural, found.mix.tolist(), strict=True))


def swarm(world: World, domains: list[str], size: int, seed: int, plan: ReusePlan | None = None) -> list[dict]:
    """`size` different mixes over these domains."""
    tokens = {name: round(POOL * world.natural[name]) for name in domains}
    settings = SwarmSettings(mixes=size)
    drawn: list[Candidate] = (
        draw_reusing_swarm(tokens, PROXY, settings, seed, plan) if plan else draw_swarm(tokens, PROXY, settings, seed)
    )
    return [dict(candidate.weights) for candidate in drawn[:size]]


def recommend(world: World, mixes: list[dict], scores: np.ndarray, plan: ReusePlan | None = None) -> dict[str, float]:
    """Law and optimum, over the plan's folded domains where there is one."""
    names = [name for name in world.domains if any(name in mix for mix in mixes)]
    natural = {name: world.natural[name] for name in names}
    natural = {name: share / sum(natural.values()) for name, share in natural.items()}
    caps = {name: world.caps[name] for name in names}
    if plan:
        natural, caps = fold_amounts(natural, plan), fold_caps(caps, plan)
        mixes = [fold(mix, plan) for mix in mixes]
    weights = np.array([[mix.get(name, 0.0) for name in natural] for mix in mixes])
    parameters = LAWS[world.law].fit(weights, scores, np.ones_like(scores))
    found = optimum(world.law, parameters, natural, caps, world.pull)
    return unfold(found, plan) if plan else found


def beside(world: World, earlier: Runs, seeds: dict[str, int], size: int, seed: int) -> list[Candidate]:
    """`size` new proxies beside earlier runs, whose names and seeds they are drawn to link, and these after them."""
    tokens = {name: round(POOL * share) for name, share in world.natural.items()}
    settings = SwarmSettings(mixes=max(1, size - LINKS - 2))
    runs = [Candidate(f"earlier {run.mix}", run.weights, APART + seeds[run.id], 0, run.id) for run in earlier.runs]
    return draw_beside(tokens, PROXY, settings, seed, runs)


def keep(
    world: World, earlier: Runs, seeds: dict[str, int], size: int, seed: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Method → the mix that it chooses, where earlier runs are kept beside `size` new ones."""
    drawn = beside(world, earlier, seeds, size, seed)
    new = [candidate for candidate in drawn if not candidate.run][:size]
    kept = {candidate.run: candidate for candidate in drawn if candidate.run}
    scores = world.train([dict(candidate.weights) for candidate in new], rng)
    runs = [Run(f"new-{i:03d}", one.mix, one.weights, _named(scores[:, i])) for i, one in enumerate(new)]
    runs += [replace(run, mix=kept[run.id].mix) for run in earlier.runs]
    together, numbers = (
        Runs(runs),
        {one.run or f"new-{i:03d}": one.seed for i, one in enumerate([*new, *kept.values()])},
    )
    level = {METHODS[3]: level_seeds(together, numbers), METHODS[4]: together}
    return {
        method: recommend(world, [dict(run.weights) for run in each.by_mix().runs], each.by_mix().scores())
        for method, each in level.items()
    }


def _named(scores: np.ndarray) -> dict[str, float]:
    """Scores (n_tasks,) by names that sort as the tasks are numbered."""
    return {f"task {number:02d}": float(score) for number, score in enumerate(scores)}


def plans(world: World, mix: dict[str, float]) -> dict[str, ReusePlan]:
    """Full and partial reuse; names stand for contents."""
    numbers = {name: f"{i + 1:x}" for i, name in enumerate(world.domains)}
    heaviest = sorted(mix, key=lambda name: -mix[name])[:REMIXED]
    earlier = {name: numbers[name] for name in mix}
    return {
        "full reuse": plan_reuse(mix, earlier, numbers),
        "partial reuse": plan_reuse(mix, earlier, numbers, heaviest),
    }


def best_folded(world: World, plan: ReusePlan) -> float:
    """Least true mean loss of any folded mix: what reuse can reach with any number of runs."""
    natural, caps = fold_amounts(world.natural, plan), fold_caps(world.caps, plan)

    def loss(point: np.ndarray) -> float:
        return world.loss(unfold(dict(zip(natural, point, strict=True)), plan))

    found = minimize(
        loss, np.array(list(natural.values())), method="SLSQP", bounds=[(1e-6, caps[name]) for name in natural],
        constraints={"type": "eq", "fun": lambda point: point.sum() - 1}, options={"maxiter": 300, "ftol": 1e-10},
    )  # fmt: skip
    return float(found.fun)


def first_swarm(
    world: World, old: list[str], size: int, repetition: int, level: float, rng: np.random.Generator
) -> tuple[Runs, dict[str, int]]:
    """The earlier runs over all of today's domains, at a level of their own, and their seeds."""
    drawn = draw_swarm(
        {name: round(POOL * world.natural[name]) for name in old}, PROXY, SwarmSettings(mixes=size), repetition
    )
    scores = world.train([dict(candidate.weights) for candidate in drawn], rng)
    scores += level * rng.multivariate_normal(np.zeros(len(scores)), world.covariance)[:, None]
    runs = Runs([Run(f"run-{i:03d}", one.mix, one.weights, _named(scores[:, i])) for i, one in enumerate(drawn)])
    contents = {name: f"{i + 1:x}" for i, name in enumerate(world.domains)}  # names stand for contents
    carried = carry_runs(runs, {name: contents[name] for name in old}, contents, world.natural, "earlier runs")
    return carried, {f"run-{i:03d}": one.seed for i, one in enumerate(drawn)}


def repeat(world: World, best: float, repetition: int, earlier_runs: int, level: float) -> dict[tuple[str, int], float]:
    """(method, runs) → regret, and under 0 runs: of the earlier mix, and the least that each plan can reach."""
    rng = np.random.default_rng(repetition)
    new = set(rng.choice(world.domains, NEW, replace=False).tolist())
    old = [name for name in world.domains if name not in new]
    earlier, seeds = first_swarm(world, old, earlier_runs, repetition, level, rng)
    by_mix = earlier.by_mix()
    before = recommend(world, [{name: run.weights[name] for name in old} for run in by_mix.runs], by_mix.scores())
    planned = plans(world, before)
    regret = {("start over", 0): world.loss(before) - best}
    regret |= {(name, 0): best_folded(world, plan) - best for name, plan in planned.items()}
    for size in SIZES:
        seed = 1_000 * size + repetition
        fresh = swarm(world, list(world.domains), size, seed)
        scores = world.train(fresh, rng)
        regret["start over", size] = world.loss(recommend(world, fresh, scores)) - best
        for method, mix in keep(world, earlier, seeds, size, seed, rng).items():
            regret[method, size] = world.loss(mix) - best
        for name, plan in planned.items():
            mixes = swarm(world, list(world.domains), size, seed, plan)
            scores = world.train(mixes, rng)
            regret[name, size] = world.loss(recommend(world, mixes, scores, plan)) - best
    return regret


def report(regrets: list[dict[tuple[str, int], float]], gain: float, console: Console) -> None:
    """Regret by runs and method; runs needed for a share of what can be gained."""
    values = {key: np.array([regret[key] for regret in regrets]) for key in regrets[0]}
    table = Table("new runs", *METHODS, title="Regret, 1/1000 nats per token, mean ± sd", title_justify="left")
    for size in SIZES:
        table.add_row(str(size), *(_spread(values[name, size]) for name in METHODS))
    console.print(table)
    console.print(f"earlier mix, new domains at 0: {_spread(values['start over', 0])}")
    for name in ("full reuse", "partial reuse"):
        console.print(f"{name}, the best that any number of runs can find: {_spread(values[name, 0])}")
    needed = Table("share of the gain", *METHODS, title="New runs needed (against starting over)", title_justify="left")
    for share in SHARES:
        least = {name: _needed(values, name, (1 - share) * gain) for name in METHODS}
        needed.add_row(f"{share:.0%} (regret {(1 - share) * gain * 1e3:.1f})", *_against(least))
    console.print(needed)


def _needed(values: dict[tuple[str, int], np.ndarray], name: str, most: float) -> int | None:
    """The fewest runs from which on the mean regret stays within `most`."""
    enough = None
    for size in reversed(SIZES):
        if values[name, size].mean() > most:
            break
        enough = size
    return enough


def _against(least: dict[str, int | None]) -> list[str]:
    first = least["start over"]
    return [
        "—" if n is None else str(n) if name == "start over" or first is None else f"{n} ({n / first - 1:+.0%})"
        for name, n in least.items()
    ]


def _spread(values: np.ndarray) -> str:
    return f"{values.mean() * 1e3:.1f} ± {values.std(ddof=1) * 1e3:.1f}"


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description="Reuse against starting over, simulated from RegMix's law.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--earlier", type=int, default=70, help="Runs of the earlier swarm: five a domain.")
    parser.add_argument("--max-epochs", type=float, default=4.0, help="Cap, at a budget of the whole pool.")
    parser.add_argument("--level", type=float, default=1.0, help="Of earlier scores, in noises of a score.")
    parser.add_argument("--law", default="transfer", choices=sorted(LAWS), help="Law that swarms are fitted with.")
    args = parser.parse_args()
    console = Console(width=120)
    start, cpu = time.time(), time.process_time()
    world = read_world(args.folder, args.max_epochs, args.law)
    ideal = optimum("transfer", world.parameters, world.natural, world.caps, 0.0)
    best = world.loss(ideal)
    console.print(
        f"natural {world.loss(world.natural):.4f}, optimum {best:.4f} nats per token; noise of a mean loss "
        f"{np.sqrt(world.covariance.mean()) * 1e3:.1f}/1000"
    )
    regrets = [repeat(world, best, repetition, args.earlier, args.level) for repetition in range(args.repetitions)]
    report(regrets, world.loss(world.natural) - best, console)
    console.print(f"{args.repetitions} repetitions: {time.time() - start:.0f} s, {time.process_time() - cpu:.0f} CPU s")


if __name__ == "__main__":
    main()
