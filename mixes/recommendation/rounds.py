"""Rounds of a swarm: what the proxies so far have scored decides around which mixes the next ones are drawn.

Thompson sampling (Thompson 1933; Russo et al. 2018, arXiv 1707.02038) by the bootstrap: every new mix lies around the
optimum of laws that were fitted to another imagined measurement of the same mixes, so new mixes gather where the best
one may be, as closely as the evidence says. A share of each round goes on exploring (mixes/swarm.py).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mixes.certainty.noise import OVERALL
from mixes.certainty.worlds import imagine_worlds
from mixes.recommendation.problem import Holdings, case_of
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs


def likely_optima(
    runs: Runs,
    families: Mapping[str, str],
    holdings: Holdings,
    settings: RecommendSettings,
    count: int,
    seed: int,
    seeds: Mapping[str, int] | None = None,
    checkpoint: Mapping[str, float] | None = None,
) -> np.ndarray:
    """(count, n_domains) mixes that may be the best one for what `settings` ask, in the order of `runs.domains`.

    families: task → family; seeds: run → the seed that it was trained with; checkpoint: task → bpb of what all
    started from.

    Raises:
        MixError: as `recommend` does.
    """
    case = case_of(runs, families, holdings, settings, seed, seeds, checkpoint=checkpoint)
    aim = {task: weight for task, weight in case.aims[OVERALL].items() if weight}
    worlds = imagine_worlds({task: case.fits[task] for task in aim}, case.tried, count, seed)
    return np.array([case.solve(one).mix for one in worlds.objectives(aim, case.anchor, case.pull)])


def within_caps(holdings: Holdings, caps: Mapping[str, float]) -> Holdings:
    """Holdings that also keep to `caps`, domain → largest weight: those of the proxies' own epochs."""
    held = holdings.caps or {}
    return replace(holdings, caps={name: min(cap, held.get(name, 1.0)) for name, cap in caps.items()})
