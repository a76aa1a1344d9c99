"""How wide the interval on a predicted gain will be, before the swarm is trained.

A linear law y = w·b that least squares fits to mixes W (n, d) with noise σ errs, at the difference of two mixes δ, by
σ √(δᵀ (WᵀW)⁻¹ δ): the leverage of the difference. The recommended mix is assumed to be as far from natural as the
swarm's median mix. Laws that bend have more parameters, and priors on them; the two about cancel: on the sample's
own swarm it is 1.1 to 1.5 times the half width that the recommendation states (the target and five families), in
planted worlds of known noise 1.0 to 1.55 times (transfer laws over 7 domains × 24 and 48 mixes, 17 × 51 and 96). Where
the noise is as large as the possible gain, the estimate says little (log-linear laws there: 0.06 to 3.8 times).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from mixes.certainty.local_fit import local_fits
from mixes.certainty.noise import estimate_noise, unclear_tasks
from mixes.laws.fit import FOLDS, LARGE, fit_laws, laws_for
from mixes.runs import Runs
from mixes.swarm import Candidate
from mixes.target import OVERALL, task_weights

NATURAL = "natural"
SMALLEST = 1e-6  # singular values below this share of the largest belong to directions that no mix takes
# Of one proxy's score on the default target, bpb: 0.026 between two proxies of equal mixes ÷ √2, measured on the
# sample (proxies of 0.2 M parameters on 655,360 tokens, 14 tasks of 64 items).
SAMPLE_NOISE = 0.018


def expected_half_width(candidates: Sequence[Candidate], noise: float, coverage: float) -> float:
    """Half width of the interval on the gain over natural, for proxies whose scores have the standard deviation
    `noise`; in the unit of the noise."""
    mixes = {candidate.mix: candidate.weights for candidate in candidates}
    names = sorted(mixes[NATURAL])
    weights = np.array([[mix[name] for name in names] for mix in mixes.values()])  # (n, n_domains)
    away = weights - [mixes[NATURAL][name] for name in names]
    inverse = np.linalg.pinv(weights.T @ weights, rcond=SMALLEST, hermitian=True)
    leverage = float(np.median(np.einsum("nd,de,ne->n", away, inverse, away)))
    return float(ndtri((1 + coverage) / 2)) * noise * leverage**0.5


def measured_noise(
    runs: Runs, families: Mapping[str, str], target: Mapping[str, float], law: str, seeds: Mapping[str, int]
) -> float | None:
    """Standard deviation of a score on the target, from the noise of differences between mixes; None for too few runs.

    Unclear tasks are left out, as in a recommendation.

    Args:
        runs: of the swarm so far.
        families: task → family.
        target: as in `recommend.target`.
        law: what it leaves unexplained supports the estimate from few seeds. In LARGE swarms the linear law takes its
            place, since others take minutes.
        seeds: run → its seed.
    """
    if not runs.replicates() or len(runs.by_mix()) < 2 * FOLDS:
        return None
    mixes = runs.by_mix().weights()
    fits = local_fits(runs, fit_laws(runs, laws_for(law if mixes.size <= LARGE else "linear", *mixes.shape)))
    noise = estimate_noise(runs, task_weights({}, families), families, fits, seeds)
    unclear = unclear_tasks(runs, noise)
    noise = estimate_noise(runs, task_weights(target, families, unclear), families, fits, seeds, unclear)
    return noise.difference[OVERALL] / 2**0.5
