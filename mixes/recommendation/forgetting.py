"""What annealing forgets: scores on the recommended mix, compared with those of the checkpoint that proxies start from.

Natural is no measure of it. A mix may beat natural on code and still leave a model that is worse at code than the
checkpoint was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixes.runs import to_array


@dataclass(frozen=True)
class Forgotten:
    """What a checkpoint is predicted to lose by training on the recommended mix, in bpb as a rule.

    A checkpoint has one score on a fixed suite, so only the score of the proxy on the mix is uncertain.
    """

    checkpoint: float  # its own score, before any training on the mix
    value: float  # predicted score on the mix − checkpoint: above 0 is forgotten, below 0 is learned
    low: float  # a single proxy on the mix forgets between low and high
    high: float
    floor: float | None  # largest `value` that `limits.keep` allows; None where it does not name the aim


def own_scores(
    checkpoint: Mapping[str, float], tasks: Sequence[str], aims: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Aim (a family, a task, the target) → the checkpoint's score on it.

    checkpoint: task → score, of exactly the swarm's tasks; aims: name → task → weight.

    Raises:
        MixError: a task without a score, or a task that is not the swarm's.
    """
    scores = dict(zip(tasks, to_array(checkpoint, tasks, "checkpoint's scores").tolist(), strict=True))
    return {name: sum(value * scores[task] for task, value in aim.items()) for name, aim in aims.items()}
