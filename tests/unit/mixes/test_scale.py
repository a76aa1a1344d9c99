"""A law over mix, parameters and tokens gives back what was planted, at sizes that it has not seen."""

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.laws.fit import fit_laws
from mixes.laws.scale import LAW, fit_scale_laws
from mixes.runs import Run, Runs, Size

SIZES = (Size(1e6, 1e9), Size(1e7, 1e9), Size(1e7, 1e10), Size(1e8, 1e10))
LARGER = Size(1e9, 1e11)


def truth(weights: np.ndarray, size: Size) -> np.ndarray:
    n, d = size.parameters / 1e7, size.tokens / 1e9
    return (
        1.5 + 0.8 * n**-0.3 + 0.5 * d**-0.3 + n**-0.05 * (0.3 + weights**0.5 @ np.array([2.0, 0.5, 0.1, 1.0])) ** -0.6
    )


def swarm(noise: float = 0.005) -> Runs:
    rng = np.random.default_rng(0)
    runs = []
    for number, size in enumerate(np.repeat(SIZES, 30)):
        mix = rng.dirichlet(np.ones(4))
        score = truth(mix[None], size)[0] + rng.normal(scale=noise)
        weights = dict(zip("abcd", mix.tolist(), strict=True))
        runs.append(Run(f"r{number:03d}", f"m{number:03d}", weights, {"t": float(score)}, size))
    return Runs(tuple(runs))


def test_unseen_mixes_at_seen_sizes_and_at_a_larger_one():
    law = fit_scale_laws(swarm())["t"]
    unseen = np.random.default_rng(1).dirichlet(np.ones(4), size=100)
    for size in SIZES:
        assert np.abs(law.predict(unseen, size) - truth(unseen, size)).mean() < 0.01
    ahead = law.predict(unseen, LARGER)
    assert np.corrcoef(ahead, truth(unseen, LARGER))[0, 1] > 0.99
    assert np.abs(ahead - truth(unseen, LARGER)).mean() < 0.15  # ten times beyond: of 0.6 between the last two sizes


def test_jacobian_against_differences():
    rng = np.random.default_rng(0)
    columns = np.concatenate([rng.dirichlet(np.ones(4), size=6), rng.normal(size=(6, 2))], axis=1)
    start = LAW.start(6, LAW.starts[0])
    theta = start[None] + 0.1 * rng.normal(size=(2, len(start)))
    _, slope = LAW.curve(theta, columns)
    for q, step in enumerate(1e-6 * np.eye(len(start))):
        numeric = (LAW.curve(theta + step, columns)[0] - LAW.curve(theta - step, columns)[0]) / 2e-6
        np.testing.assert_allclose(slope[..., q], numeric, atol=1e-6)
        np.testing.assert_allclose(LAW.curve(theta, columns)[0], LAW.values(theta, columns))


def test_one_size_and_no_size_are_refused():
    runs = swarm().runs
    with pytest.raises(MixError, match="a law over sizes needs two"):
        fit_scale_laws(Runs(runs[:20]))
    with pytest.raises(MixError, match="run 'r000' has no size"):
        fit_scale_laws(Runs((Run(**{**runs[0].__dict__, "size": None}), *runs[1:])))
    with pytest.raises(MixError, match="4 sizes"):
        fit_laws(swarm())


def test_sizes_are_not_averaged():
    run = swarm().runs[0]
    other = Run(**{**run.__dict__, "id": "again", "size": SIZES[1]})
    runs = Runs((run, other))
    assert len(runs.by_mix().runs) == 2
    assert not runs.replicates()
