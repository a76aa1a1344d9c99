"""Seeds: what they do to all mixes alike is told from the mixes, and taken off where mixes have different ones."""

import numpy as np
import pytest
from seeded_swarm import NATURAL, truth

from mixes.certainty.seeds import level_seeds, split_scores
from mixes.laws.fit import fit_laws
from mixes.optimum.holdings import Holdings
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs

OF_SEED = {0: (0.0, 0.0), 1: (1.0, -0.6), 2: (0.5, -1.2)}  # on the two tasks


def swarm(replicated: int = 3, of_seed: float = 1.0, own: float = 0.0, mixes: int = 20, seed: int = 0):
    """Every mix with seed 0; natural and the first ones with seeds 1 and 2 too. Runs, and run → seed."""
    rng = np.random.default_rng(seed)
    drawn = [("natural", NATURAL)] + [
        (f"mix-{i:02d}", dict(zip(sorted(NATURAL), mix, strict=True)))
        for i, mix in enumerate(rng.dirichlet(np.ones(3), size=mixes).tolist())
    ]
    runs, seeds = [], {}
    for number, (name, weights) in enumerate(drawn):
        for s in OF_SEED if number < replicated else [0]:
            run = f"{rng.integers(10**9):09d}"
            scores = truth(weights) + of_seed * np.array(OF_SEED[s]) + own * rng.standard_normal(2)
            runs.append(Run(run, name, weights, dict(zip(("arc", "mbpp"), scores.tolist(), strict=True))))
            seeds[run] = s
    return Runs(runs), seeds


def natural_score(runs: Runs) -> np.ndarray:
    mixes = runs.by_mix()
    return mixes.scores()[:, mixes.ids.index("natural")]


def test_a_mix_with_several_seeds_stands_at_the_level_of_the_others():
    runs, seeds = swarm()
    np.testing.assert_allclose(natural_score(level_seeds(runs, seeds)), truth(NATURAL), atol=1e-12)
    assert np.abs(natural_score(runs) - truth(NATURAL)).min() > 0.4  # the plain mean of its seeds


def test_its_prediction_and_its_gain_are_unbiased():
    """With noise, on average over swarms; a plain mean is off by the seeds' mean, 0.5 and −0.6."""
    off, plain = [], []
    for seed in range(12):
        runs, seeds = swarm(own=0.02, seed=seed)
        for found, made in ((off, level_seeds(runs, seeds)), (plain, runs)):
            laws = fit_laws(made, names=("linear",))
            at = np.array([[NATURAL[name] for name in made.domains]])
            found.append([laws[task].predict(at)[0] for task in made.tasks] - truth(NATURAL))
    error = np.std(off, axis=0) / np.sqrt(len(off))
    assert (np.abs(np.mean(off, axis=0)) < 4 * error + 1e-3).all()
    assert (np.abs(np.mean(plain, axis=0)) > 10 * error).all()


def test_a_recommendation_does_not_see_the_seeds():
    """Strong effects of seeds change nothing that rests on differences at one seed."""
    settings = RecommendSettings(law="linear", replicates=20)
    families = {"arc": "knowledge", "mbpp": "code"}
    (still, seeds), (moved, _) = swarm(of_seed=0.0, own=0.01), swarm(of_seed=1.0, own=0.01)
    ours, theirs = (
        recommend(Question(runs, families, Holdings(NATURAL), settings, seeds=seeds)) for runs in (still, moved)
    )
    assert theirs.mix == pytest.approx(ours.mix, abs=1e-6)
    assert theirs.predicted["target"].gain == pytest.approx(ours.predicted["target"].gain, abs=1e-6)
    assert theirs.predicted["target"].noise == pytest.approx(ours.predicted["target"].noise, rel=1e-6)
    assert theirs.cautions == ours.cautions  # that no mix moves a task, for one


def test_distances_between_replicates_stay():
    """The noise of a score is measured from them."""
    runs, seeds = swarm(own=0.1)
    for before, after in zip(runs.replicates(), level_seeds(runs, seeds).replicates(), strict=True):
        np.testing.assert_allclose(np.ptp(after.scores(), axis=1), np.ptp(before.scores(), axis=1))


def test_order_of_runs_does_not_matter():
    runs, seeds = swarm(own=0.1)
    shuffled = [runs.runs[i] for i in np.random.default_rng(1).permutation(len(runs))]
    again = level_seeds(Runs(shuffled), dict(reversed(seeds.items())))
    np.testing.assert_allclose(again.scores(), level_seeds(runs, seeds).scores())


@pytest.mark.parametrize(("replicated", "known"), [(3, "none"), (0, "one for all"), (0, "one each")])
def test_without_replicates_or_seeds_nothing_changes(replicated, known):
    runs, seeds = swarm(replicated, own=0.1)
    seeds = {"none": {}, "one for all": seeds, "one each": {run: i for i, run in enumerate(runs.ids)}}[known]
    assert (level_seeds(runs, seeds).scores() == runs.scores()).all()


def test_a_single_run_of_another_seed_is_levelled_too():
    runs, seeds = swarm()
    lone = Run("lone", "lone", NATURAL, dict(zip(("arc", "mbpp"), (truth(NATURAL) + OF_SEED[2]).tolist(), strict=True)))
    made = level_seeds(Runs([*runs.runs, lone]), {**seeds, "lone": 2})
    np.testing.assert_allclose(made.scores()[:, made.ids.index("lone")], truth(NATURAL))


def test_unbalanced_seeds_are_split_exactly():
    """Mixes that share only some seeds; two parts that nothing links are levelled each for itself."""
    level, of = {"a": 1.0, "b": 2.0, "c": 5.0}, {0: 0.0, 1: 0.3, 2: -0.4, 7: 1.0, 8: 1.5}
    cells = [("a", 0), ("a", 1), ("b", 1), ("b", 2), ("c", 7), ("c", 8), ("c", 8)]
    runs = Runs([Run(f"{m}{i}", m, {"web": 1.0}, {"t": level[m] + of[s]}) for i, (m, s) in enumerate(cells)])
    seeds = {f"{m}{i}": s for i, (m, s) in enumerate(cells)}
    fitted = split_scores(runs.replicates(), seeds)
    assert (fitted.seeds, fitted.freedom) == ((0, 1, 2, 7, 8), 1)
    np.testing.assert_allclose(fitted.rest, 0, atol=1e-12)
    assert (fitted.part == [fitted.part[0]] * 3 + [fitted.part[3]] * 2).all()
    assert fitted.part[0] != fitted.part[3]
    found = dict(zip("abc", level_seeds(runs, seeds).by_mix().scores()[0], strict=True))
    assert found == pytest.approx({"a": 1.3, "b": 2.3, "c": 6.5})  # seeds 1 and 8 have most runs
