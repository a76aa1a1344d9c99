"""What one more percent of a domain changes for every family, at a mix, regardless of limits.

The percent is a hundredth of the whole mix, and the other domains give it up in proportion to their weights. The change
is the law's difference between the two mixes, not its slope times a hundredth: at a weight of zero the slope of w^γ is
unbounded, and trees have no slope.
"""

from collections.abc import Mapping

import numpy as np

from mixes.optimum.objective import Objective

PERCENT = 0.01


def marginal_values(objectives: Mapping[str, Objective], mix: np.ndarray) -> dict[str, np.ndarray]:
    """Family → (n_domains,) change of its bpb by one more percent of each domain; below zero is better.

    nan for a domain that fills more than 99 % of the mix.
    """
    room = 1 - mix[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        more = mix + PERCENT * (np.eye(len(mix)) - mix) / room  # (n_domains, n_domains), one row per domain
    able = room[:, 0] >= PERCENT
    at = np.concatenate([mix[None], more[able]])
    changes = {}
    for family, objective in objectives.items():
        values = objective.value(at)
        changes[family] = np.full(len(mix), np.nan)
        changes[family][able] = values[1:] - values[0]
    return changes
