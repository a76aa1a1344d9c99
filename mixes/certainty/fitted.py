"""What a swarm's runs alone teach: a law for every task, and how well it is known.

Neither depends on a target, on limits or on a budget. So both are made once per swarm, and kept (`fitted_to_arrays`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixes.certainty.local_fit import LocalFit
from mixes.certainty.precision import fit_by_precision
from mixes.certainty.seeds import level_seeds
from mixes.certainty.uneven import Uneven
from mixes.certainty.worlds import SIDES, Worlds
from mixes.laws.fit import TaskLaw, laws_for
from mixes.laws.registry import LAWS, law_named
from mixes.runs import Runs, Size

Arrays = dict[str, np.ndarray]  # name → numbers, or texts; never objects
PLAIN = ("error", "rank_correlation", "errors", "rank_correlations", "behind", "behind_errors")  # of a law, as JSON
OF_FIT = ("prior", "residuals", "leverage", "held_out")  # arrays of a LocalFit


@dataclass(frozen=True)
class FittedSwarm:
    """A swarm's runs, brought to the level of one seed, and the laws fitted to them."""

    runs: Runs
    laws: Mapping[str, TaskLaw]  # by task
    local_fits: Mapping[str, LocalFit]  # by task


def fit_swarm(
    runs: Runs,
    law: str = "auto",
    seed: int = 0,
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> FittedSwarm:
    """Fit a law to every task.

    Args:
        runs: the swarm's runs, as they were scored.
        law: name of the law of every task; `auto` chooses by cross-validation.
        seed: of the folds.
        seeds: run → the seed that its proxy was trained with, where it is known.
        report: gets one line per step, with the seconds that it took.

    Raises:
        MixError: an unknown law, or fewer mixes than cross-validation needs.
    """
    level = level_seeds(runs, seeds or {})
    laws, fits = fit_by_precision(
        level, laws_for(law, len(level.by_mix()), len(level.domains)), seed, seeds or {}, report
    )
    return FittedSwarm(level, laws, fits)


def evidence_id(runs: Runs, law: str, seed: int, seeds: Mapping[str, int], at: Size | None = None) -> str:
    """Hash of everything that `fit_swarm` depends on: equal numbers give equal laws, whatever file they come from."""
    sizes = [str(size) for size in runs.sizes_of_runs]
    known_seeds = {run: seeds[run] for run in runs.ids if run in seeds}
    names = [runs.ids, runs.mixes, runs.domains, runs.tasks, sizes, law, seed, sorted(known_seeds.items())]
    digest = hashlib.sha256(json.dumps([*names, str(at)] if at else names).encode())
    for values in (runs.weights(), runs.scores()):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def keepable(fitted: FittedSwarm) -> bool:
    """Whether all laws are numbers of a registered form: a process, an ensemble of trees or a law over sizes is an
    object, and is fitted anew every time."""
    return all(
        law.kind.name in LAWS and law_named(law.kind.name, law.domains) is law.kind and law.parameters.dtype != object
        for law in fitted.laws.values()
    )


def fitted_to_arrays(fitted: FittedSwarm) -> Arrays:
    """The laws and their local fits as named arrays, which `fitted_from_arrays` reads."""
    arrays: Arrays = {}
    heads: dict[str, dict[str, Any]] = {}
    for number, (task, law) in enumerate(fitted.laws.items()):
        fit = fitted.local_fits[task]
        plain = {name: getattr(law, name) for name in PLAIN}
        heads[task] = {**plain, "law": law.kind.name, "smooth": fit.smooth, "noise": fit.noise, "freedom": fit.freedom}
        arrays[f"{number}/parameters"] = law.parameters
        if law.precision is not None:
            arrays[f"{number}/precision"] = law.precision
        arrays |= {f"{number}/{name}": getattr(fit, name) for name in OF_FIT}
    fit = next(iter(fitted.local_fits.values()))
    plain = {"slope": fit.uneven.slope, "level": fit.uneven.level, "reach": fit.uneven.reach, "weighed": fit.weighed}
    noise = {"uneven": np.array(json.dumps(plain)), "centre": fit.uneven.centre}
    return {"heads": np.array(json.dumps(heads)), **noise, **arrays}


def fitted_from_arrays(arrays: Mapping[str, np.ndarray], runs: Runs, seeds: Mapping[str, int]) -> FittedSwarm:
    """The fitted swarm that `fitted_to_arrays` wrote; runs, seeds: those that `fit_swarm` was given.

    Raises:
        KeyError, ValueError: the arrays are not what was written.
        MixError: they name a law that this version does not know.
    """
    level = level_seeds(runs, seeds)
    weights = level.by_mix().weights()
    laws, fits = {}, {}
    noise = json.loads(str(arrays["uneven"]))
    uneven = Uneven(arrays["centre"], noise["slope"], noise["level"], tuple(noise["reach"]))
    for number, (task, head) in enumerate(json.loads(str(arrays["heads"])).items()):
        laws[task] = TaskLaw(
            task=task,
            kind=law_named(head["law"], level.domains),
            domains=level.domains,
            parameters=arrays[f"{number}/parameters"],
            precision=arrays.get(f"{number}/precision"),
            **{name: head[name] for name in PLAIN},
        )
        of_fit: dict[str, Any] = {name: arrays[f"{number}/{name}"] for name in OF_FIT}
        fits[task] = LocalFit(
            law=laws[task], smooth=head["smooth"], weights=weights, noise=head["noise"], freedom=head["freedom"],
            uneven=uneven, weighed=noise["weighed"], **of_fit,
        )  # fmt: skip
    if set(laws) != set(level.tasks):
        raise ValueError("the laws are of other tasks")
    return FittedSwarm(level, laws, fits)


def worlds_to_arrays(worlds: Worlds) -> Arrays:
    """Imagined worlds as named arrays, which `worlds_from_arrays` reads."""
    tasks = list(worlds.kinds)
    arrays = {f"{number}/{side}": getattr(worlds, side)[task] for number, task in enumerate(tasks) for side in SIDES}
    return {"tasks": np.array(json.dumps(tasks)), **arrays}


def worlds_from_arrays(arrays: Mapping[str, np.ndarray], fitted: FittedSwarm) -> Worlds:
    """The worlds that `worlds_to_arrays` wrote; fitted: the swarm that they were imagined from.

    Raises:
        KeyError, ValueError: the arrays are not what was written.
    """
    tasks = json.loads(str(arrays["tasks"]))
    truths, refits = ({task: arrays[f"{n}/{side}"] for n, task in enumerate(tasks)} for side in SIDES)
    return Worlds({task: fitted.laws[task].kind for task in tasks}, truths, refits)
