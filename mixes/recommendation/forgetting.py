"""What annealing forgets: scores on the recommended mix against those of the checkpoint that its proxies start from.

Natural is no measure of it: a mix may beat natural on code and still leave a model that codes worse than the one that
the training began with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixes.runs import to_array


@dataclass(frozen=True)
class Forgotten:
    """What a checkpoint is predicted to lose by training on the recommended mix, in bpb as a rule.

    A checkpoint has one score on a fixed suite, so all that is uncertain is that of the proxy on the mix.
    """

    checkpoint: float  # its own score, before any training on the mix
    value: float  # predicted score on the mix − checkpoint: above 0 is forgotten, below 0 is learned
    low: float  # a single proxy on the mix forgets between these
    high: float
    floor: float | None  # most of `value` that `limits.keep` allows, where it does


def own_scores(
    checkpoint: Mapping[str, float], tasks: Sequence[str], aims: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Aim (a family, a task, the target) → the checkpoint's score on it.

    checkpoint: task → score, of exactly the swarm's tasks; aims: name → task → weight.

    Raises:
        MixError: a task without a score, or one that is not the swarm's.
    """
    scores = dict(zip(tasks, to_array(checkpoint, tasks, "checkpoint's scores").tolist(), strict=True))
    return {name: sum(value * scores[task] for task, value in aim.items()) for name, aim in aims.items()}
