"""The recommendation: the best mix, what it is predicted to gain over natural, and how sure that is.

Uncertainty comes from two places. The law is fitted to few runs: a Bayesian bootstrap over mixes (Rubin 1981)
refits it, and gives intervals on gains and on weights. And a score is noisy by itself: replicates of the
natural mix say how far two proxies of equal mixes differ, and a gain below that is no finding.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from mixes.errors import MixError
from mixes.fit import TaskLaw, fit_laws
from mixes.optimum.best import best_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.limits import Limits
from mixes.optimum.objective import stacked
from mixes.runs import Runs, to_array
from mixes.settings import RecommendSettings
from mixes.target import family_weights, task_weights

Verdict = Literal["better", "not_distinguishable", "worse"]
OVERALL = "target"  # the row of `predicted` and `verdict` that is the target itself
PRIOR_FREEDOM = 3  # assumed: as much as four seeds give
BINDING = 1e-4  # a weight this near its cap is on it


@dataclass(frozen=True)
class Predicted:
    """bpb of a task, family or target under three mixes; gain is natural − mix, so more is better."""

    mix: float
    natural: float
    uniform: float
    gain: float
    gain_low: float
    gain_high: float
    noise: float  # standard deviation of the difference between two proxies of equal mixes
    error: float  # held-out error of the laws behind it, weighted mean over tasks, bpb


@dataclass(frozen=True)
class Recommendation:
    """Everything `recommend-mix --json` prints."""

    id: str
    mix: dict[str, float]
    natural: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    epochs: dict[str, float]
    caps: dict[str, float]  # domains whose weight lies on its cap, and the cap
    target: dict[str, float]  # task → weight
    predicted: dict[str, Predicted]  # target, families, tasks
    verdict: dict[str, Verdict]  # target and families
    law: dict[str, dict]  # task → name, error, rank_correlation, noise and spread (both standard deviations), …
    budget: float
    max_epochs: float
    evidence: dict[str, str]

    def to_json(self) -> dict:
        """Plain values."""
        return asdict(self)


def recommend(
    runs: Runs,
    families: Mapping[str, str],
    natural: Mapping[str, float],
    available: Mapping[str, float],
    caps: Mapping[str, float],
    budget: float,
    settings: RecommendSettings,
    seed: int,
    evidence: Mapping[str, str],
) -> Recommendation:
    """The best mix for `settings.target` from the swarm's `runs`.

    families: task → family; natural: domain → share; available: domain → tokens that can be had;
    caps: domain → largest weight.

    Raises:
        MixError: an unknown target, different domains, too few runs, an infeasible problem.
    """
    taken = [OVERALL, *set(families.values()), *families]
    for name in taken:
        if taken.count(name) > 1:
            raise MixError(f"suite: {name!r} names two things, of task, family and {OVERALL!r} — rename one")
    weights_of_tasks = task_weights(settings.target, families)
    laws = fit_laws(runs, seed=seed)
    share = to_array(natural, runs.domains, "natural mix")
    cap = to_array(caps, runs.domains, "caps")
    alone = {task: {task: 1.0} for task in runs.tasks}
    by_family = family_weights(families)
    aims = {OVERALL: weights_of_tasks, **by_family, **alone}
    of_target = {family: sum(weights_of_tasks[task] for task in aim) for family, aim in _tasks_of(by_family).items()}
    noise = _noise(runs, alone, alone) | _noise(runs, {OVERALL: weights_of_tasks, **by_family}, by_family, of_target)
    apart = {name: float(np.sqrt(2) * value) for name, value in noise.items()}  # of a difference between two proxies
    pull = settings.pull * apart[OVERALL]
    limits = Limits(
        runs.domains,
        tuple(
            Bound(f"epochs: {name} ≤ {most:.4g}", (name,), high=float(most))
            for name, most in zip(runs.domains, cap, strict=True)
        ),
    )
    best = best_mix(
        stacked(
            [laws[task].kind for task in weights_of_tasks],
            [laws[task].parameters for task in weights_of_tasks],
            list(weights_of_tasks.values()),
            share,
            pull,
        ),
        limits,
        candidates=runs.by_mix().weights(),
        seed=seed,
    ).mix
    boot = _Bootstrap(runs, laws, settings.replicates, seed)
    predicted = {
        name: _predicted(aim, laws, boot, best, share, apart[name], settings.coverage) for name, aim in aims.items()
    }
    spread = boot.mixes(weights_of_tasks, share, limits, pull, best)
    low, high = np.quantile(spread, _tails(settings.coverage), axis=0)
    by_mix = runs.by_mix().scores()
    spread_of = dict(zip(runs.tasks, by_mix.std(axis=1, ddof=1).tolist(), strict=True))
    mix = {name: float(weight) for name, weight in zip(runs.domains, best, strict=True)}
    found = Recommendation(
        id="",
        mix=mix,
        natural={name: float(natural[name]) for name in runs.domains},
        intervals={
            name: (float(min(low[i], best[i])), float(max(high[i], best[i]))) for i, name in enumerate(runs.domains)
        },
        epochs={name: mix[name] * budget / available[name] for name in runs.domains},
        caps={name: caps[name] for name in runs.domains if caps[name] < 1 and mix[name] > caps[name] - BINDING},
        target={task: weight for task, weight in weights_of_tasks.items() if weight},
        predicted=predicted,
        verdict={name: verdict(predicted[name]) for name in [OVERALL, *family_weights(families)]},
        law={task: _law_row(laws[task], noise[task], spread_of[task]) for task in runs.tasks},
        budget=budget,
        max_epochs=settings.max_epochs,
        evidence=dict(evidence),
    )
    digest = hashlib.sha256(json.dumps(found.to_json(), sort_keys=True).encode()).hexdigest()[:12]
    return Recommendation(**{**found.__dict__, "id": f"recommendation-{digest}"})


def verdict(predicted: Predicted) -> Verdict:
    """`better` or `worse` only where the interval leaves out zero and the gain exceeds a difference's noise."""
    if predicted.gain_low > 0 and predicted.gain > predicted.noise:
        return "better"
    if predicted.gain_high < 0 and -predicted.gain > predicted.noise:
        return "worse"
    return "not_distinguishable"


def _law_row(law: TaskLaw, noise: float, spread: float) -> dict:
    return {
        "name": law.kind.name,
        "error": law.error,
        "rank_correlation": law.rank_correlation,
        "noise": noise,
        "spread": spread,
        "errors": law.errors,
        "rank_correlations": law.rank_correlations,
    }


def _tasks_of(by_family: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """Family → its tasks."""
    return {family: [task for task, weight in aim.items() if weight] for family, aim in by_family.items()}


def _noise(
    runs: Runs,
    aims: Mapping[str, Mapping[str, float]],
    fellows: Mapping[str, Mapping[str, float]],
    of_target: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Aim → its standard deviation between proxies of one mix, bpb; from the replicates' own aims, since tasks'
    errors go together.

    A few seeds give a poor estimate, now and then a much too small one. So each aim's variance is drawn to the
    mean over its fellows by PRIOR_FREEDOM degrees of freedom (Smyth 2004, doi:10.2202/1544-6115.1027). The
    target's is drawn to what independent families would give it: that mean times Σ (family's share)².
    """
    groups = runs.replicates()
    if not groups:
        raise MixError("swarm: no mix was trained with two seeds, so the noise is unknown — raise swarm.natural_seeds")
    freedom = sum(len(group.runs) - 1 for group in groups)
    squares = {
        name: sum(
            float((to_array(aim, runs.tasks, "target") @ group.scores()).var()) * len(group.runs) for group in groups
        )
        for name, aim in {name: dict.fromkeys(runs.tasks, 0.0) | dict(aim) for name, aim in aims.items()}.items()
    }
    pooled = sum(squares[name] for name in fellows) / (freedom * len(fellows))
    of_itself = {OVERALL: sum(share**2 for share in of_target.values())} if of_target else {}
    return {
        name: float(np.sqrt((own + PRIOR_FREEDOM * pooled * of_itself.get(name, 1.0)) / (freedom + PRIOR_FREEDOM)))
        for name, own in squares.items()
    }


def _predicted(
    aim: Mapping[str, float],
    laws: Mapping[str, TaskLaw],
    boot: "_Bootstrap",
    best: np.ndarray,
    natural: np.ndarray,
    noise: float,
    coverage: float,
) -> Predicted:
    uniform = np.full(len(natural), 1 / len(natural))
    at = np.array([best, natural, uniform])
    mix, from_natural, from_uniform = np.sum([v * laws[task].predict(at) for task, v in aim.items() if v], axis=0)
    low, high = np.quantile(boot.gains(aim, best, natural), _tails(coverage))
    gain = float(from_natural - mix)
    return Predicted(
        mix=float(mix),
        natural=float(from_natural),
        uniform=float(from_uniform),
        gain=gain,
        gain_low=min(float(low), gain),
        gain_high=max(float(high), gain),
        noise=noise,
        error=sum(value * laws[task].error for task, value in aim.items()),
    )


def _tails(coverage: float) -> tuple[float, float]:
    return (1 - coverage) / 2, (1 + coverage) / 2


class _Bootstrap:
    """Every task's chosen law, refitted with random weights on the mixes."""

    def __init__(self, runs: Runs, laws: Mapping[str, TaskLaw], replicates: int, seed: int) -> None:
        mixes = runs.by_mix()
        weights, scores = mixes.weights(), mixes.scores()
        rng = np.random.default_rng(seed)
        rows = rng.dirichlet(np.ones(len(weights)), size=replicates) * len(weights)  # (B, n), rows in order of mix
        self.laws, self.replicates = laws, replicates
        self.parameters: dict[str, np.ndarray] = {}  # task → (B, q)
        for t, task in enumerate(mixes.tasks):
            law = laws[task]
            near = np.tile(law.parameters, (replicates, 1))
            self.parameters[task] = law.kind.fit(weights, np.tile(scores[t], (replicates, 1)), rows, near)

    def gains(self, aim: Mapping[str, float], best: np.ndarray, natural: np.ndarray) -> np.ndarray:
        """(B,) natural − mix."""
        at = np.array([natural, best])
        parts = [v * self.laws[t].kind.predict(self.parameters[t], at) for t, v in aim.items() if v]
        each = np.sum(parts, axis=0)
        return each[:, 0] - each[:, 1]

    def mixes(
        self, aim: Mapping[str, float], natural: np.ndarray, limits: Limits, pull: float, start: np.ndarray
    ) -> np.ndarray:
        """(B, n_domains) each replicate's own best mix."""
        kinds = [self.laws[task].kind for task in aim]
        objectives = (
            stacked(kinds, [self.parameters[task][b] for task in aim], list(aim.values()), natural, pull)
            for b in range(self.replicates)
        )
        return np.array([best_mix(objective, limits, start).mix for objective in objectives])
