"""The mixes that tell most beside those that were tried."""

import numpy as np

from mixes.telling import most_telling

TRIED = np.array([[0.5, 0.5, 0.0, 0.0], [0.4, 0.6, 0.0, 0.0], [0.6, 0.4, 0.0, 0.0]])
OFFERED = np.array([[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25]], dtype=float)


def test_what_nothing_is_known_of_comes_first():
    assert set(most_telling(OFFERED, TRIED, 2)) == {1, 2}


def test_only_directions_that_matter_count():
    between = np.array([[0.5, 0.5, 0.0, 0.0], [0.3, 0.3, 0.4, 0.0]])  # whether the third domain should be read
    assert most_telling(OFFERED, TRIED, 1, between) == [1]
    assert most_telling(OFFERED[[0, 2, 3]], TRIED, 1, between) == [2]  # the only one that has any of it


def test_no_mix_is_chosen_twice():
    assert sorted(most_telling(OFFERED, TRIED, 4, OFFERED)) == [0, 1, 2, 3]


def test_chosen_mixes_tell_likely_optima_apart_better_than_chance():
    rng = np.random.default_rng(0)
    tried, offered = rng.dirichlet(np.ones(6), size=10), rng.dirichlet(np.ones(6), size=64)
    between = rng.dirichlet(30 * np.array([0.5, 0.3, 0.1, 0.04, 0.03, 0.03]), size=40)

    def unknown(chosen: list[int]) -> float:
        rows = np.sqrt(np.concatenate([tried, offered[chosen]]))
        apart = np.sqrt(between) - np.sqrt(between).mean(axis=0)
        return float(np.einsum("ij,ij->", apart, np.linalg.solve(rows.T @ rows, apart.T).T))

    best = unknown(most_telling(offered, tried, 8, between))
    assert all(best < unknown(rng.choice(64, 8, replace=False).tolist()) for _ in range(20))
