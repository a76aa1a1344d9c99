"""Targets: which tasks' bpb a mix should lower, and how much each task counts."""

from collections.abc import Collection, Mapping

from mixes.errors import MixError, did_you_mean

HEAVIEST = 1e9  # weight of a target; only their shares count
OVERALL = "target"  # the aim that is the target itself, beside the families and the tasks


def check_names(target: Mapping[str, float], keep: Mapping[str, float], families: Mapping[str, str]) -> None:
    """Check that a target and floors name what the suite has (`families`: task → family).

    Raises:
        MixError: they do not, or the target's weights are no weights.
    """
    task_weights(target, families)
    names = sorted({*families.values(), *families})
    for name in keep:
        if name not in names:
            raise MixError(f"keep: no family or task {name!r} — {did_you_mean(name, names)}")


def task_weights(
    target: Mapping[str, float], families: Mapping[str, str], unclear: Collection[str] = ()
) -> dict[str, float]:
    """Task → weight, summing to one, of a target over families or tasks (`families`: task → family).

    A family's tasks share its weight equally. Tasks that are `unclear` are left out of it, unless all of its tasks are
    unclear. An empty target is OLMo 3's: the mean over families of the mean over their tasks. A family that has only
    unclear tasks is left out of that mean, unless all families do.

    Raises:
        MixError: a name that is neither family nor task, a negative weight, or no positive one.
    """
    names = list(dict.fromkeys([*sorted(set(families.values())), *sorted(families)]))
    clear = {task: family for task, family in families.items() if task not in unclear}
    chosen = dict(target) or dict.fromkeys(set((clear or families).values()), 1.0)
    weights = dict.fromkeys(sorted(families), 0.0)
    for name, weight in chosen.items():
        if name not in names:
            raise MixError(f"target: no family or task {name!r} — {did_you_mean(name, names)}")
        if not 0 <= weight <= HEAVIEST:
            raise MixError(f"target: weight of {name!r} is {weight:g}, must be from 0 to {HEAVIEST:g}")
        tasks = [name] if name in families else [task for task, family in clear.items() if family == name]
        tasks = tasks or [task for task, family in families.items() if family == name]
        for task in tasks:
            weights[task] += weight / len(tasks)
    total = sum(weights.values())
    if not total:
        raise MixError("target: every weight is 0 — give at least one family a positive weight")
    return {task: weight / total for task, weight in weights.items()}


def family_weights(families: Mapping[str, str], unclear: Collection[str] = ()) -> dict[str, dict[str, float]]:
    """Family → weights over tasks of the target that is this family alone (`families`: task → family)."""
    return {family: task_weights({family: 1.0}, families, unclear) for family in sorted(set(families.values()))}


def standardised(weights: Mapping[str, float], scales: Mapping[str, float]) -> dict[str, float]:
    """Task weights that count each task in units of its own scale: its noise, or its spread over mixes.

    scales: task → standard deviation, in the task's unit. Σ weight · score is then a weighted mean of scores in
    standard deviations, whatever the tasks' units were.

    Raises:
        MixError: a task that counts has no positive scale.
    """
    for task, weight in weights.items():
        if weight and not 0 < scales[task] < float("inf"):
            raise MixError(f"target: task {task!r} cannot be standardised, its scale is {scales[task]:g}")
    return {task: weight / scales[task] if weight else 0.0 for task, weight in weights.items()}
