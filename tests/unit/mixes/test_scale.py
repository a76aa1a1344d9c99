"""Runs of several sizes: laws, intervals and recommendations at a size that no run has."""

import numpy as np
import polars as pl
import pytest

from mixes.certainty.at_size import fit_at_size
from mixes.certainty.check_at import check_law_at, hold_out_size
from mixes.errors import MixError
from mixes.laws.ladder import ladder_to
from mixes.laws.rank_correlation import rank_correlation
from mixes.laws.registry import LAWS
from mixes.laws.scale import Sized, Wander
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs, Size
from mixes.sizes import size_at
from mixes.tables.join import join_tables
from mixes.tables.keys import table_of

SIZES = tuple(Size(n, 20 * n) for n in (1e6, 4e6, 16e6))
LARGER = Size(64e6, 20 * 64e6)
WORTH = {"falls": [2.0, 0.5, 0.1, 1.0], "other": [0.1, 0.5, 2.0, 0.3]}


def truth(weights: np.ndarray, size: Size) -> np.ndarray:
    """(2, n): the level falls with size, and the effect of the mix shrinks."""
    n = size.parameters / 64e6
    effect = np.array([(0.3 + weights**0.5 @ np.array(worth)) ** -0.6 for worth in WORTH.values()])
    return 1.5 + 0.8 * n**-0.3 + n**-0.05 * effect


def swarm(sizes: tuple[Size, ...] = SIZES, mixes: int = 14, noise: float = 0.005, seed: int = 0) -> Runs:
    rng = np.random.default_rng(seed)
    runs = []
    for number, size in enumerate(np.repeat(np.array(sizes, dtype=object), mixes)):
        mix = rng.dirichlet(np.ones(4))
        scores = truth(mix[None], size)[:, 0] + rng.normal(scale=noise, size=2)
        weights = dict(zip("abcd", mix.tolist(), strict=True))
        runs.append(Run(f"r{number:03d}", f"m{number:03d}", weights, dict(zip(WORTH, scores, strict=True)), size))
    return Runs(tuple(runs))


def test_a_larger_size_is_ranked_predicted_and_covered():
    checked = check_law_at(swarm(), swarm((LARGER,), 40, seed=1), LARGER)
    assert checked.at == "64M:1.28B"
    assert checked.spearman_mean > 0.97
    assert checked.errors
    assert max(checked.errors.values()) < 0.05
    assert checked.coverage
    assert min(checked.coverage.values()) >= 0.85


def test_a_size_between_others_and_one_with_runs_of_its_own():
    for size, error in ((SIZES[1], 0.03), (SIZES[2], 0.03)):
        rest, held_out = hold_out_size(swarm(mixes=16), size)
        checked = check_law_at(rest, held_out, size)
        assert checked.spearman_mean > 0.95
        assert checked.errors
        assert max(checked.errors.values()) < 2 * error
    own = check_law_at(swarm(), swarm((SIZES[2],), 40, seed=1), SIZES[2])
    assert own.errors
    assert max(own.errors.values()) < 0.015


def test_the_recommendation_at_a_larger_size():
    families = {task: task for task in WORTH}
    settings = RecommendSettings(target={"falls": 1.0}, replicates=60, law="transfer")
    recommendation = recommend(Question(swarm(), families, settings=settings, at=LARGER))
    mixes = np.array([[own[name] for name in "abcd"] for own in (recommendation.mix, recommendation.natural)])
    best, centre = truth(mixes, LARGER)[0]
    row = recommendation.predicted["falls"]
    assert recommendation.at == "64M:1.28B"
    assert recommendation.verdict["target"] == "better"
    assert row.gain_low <= centre - best <= row.gain_high
    assert row.mix_low <= best <= row.mix_high
    (caution,) = [caution for caution in recommendation.cautions if caution.kind == "larger_size"]
    assert "4 times its parameters are extrapolated" in caution.text


def test_intervals_widen_with_distance():
    fitted = {size: fit_at_size(swarm(), size) for size in (SIZES[2], LARGER, Size(256e6, 20 * 256e6))}
    mix = np.full((1, 4), 0.25)
    away = [float(own.local_fits["falls"].leverage_at(mix)[0]) for own in fitted.values()]
    assert away[0] < away[1] < away[2]


def test_what_the_form_lacks_is_kept_where_all_sizes_show_it():
    """Domains interact, in which no law believes. A dozen larger runs must not make the law forget what many show."""
    small, larger = Size(2e6, 4e7), SIZES[2]
    ranks = []
    for seed in (3, 4):
        rng = np.random.default_rng(seed)
        pairs = rng.normal(size=(5, 5))

        def score(w: np.ndarray, size: Size, pairs: np.ndarray = pairs) -> np.ndarray:
            effect = (0.3 + w**0.5 @ np.array([2.0, 0.5, 0.1, 1.0, 0.3])) ** -0.6
            together = np.einsum("...i,ij,...j->...", w, pairs, w)
            return 1.5 + 0.8 * (size.parameters / 64e6) ** -0.3 + effect + 0.12 * together

        runs = []
        for size, count in ((small, 240), (larger, 12)):
            for number, w in enumerate(rng.dirichlet(np.ones(5), count)):
                scores = {"task": float(score(w, size) + rng.normal(scale=0.02))}
                name = f"{size}-{number}"
                runs.append(Run(name, name, dict(zip("abcde", w.tolist(), strict=True)), scores, size))
        unseen = rng.dirichlet(np.full(5, 0.5), 1000)
        law = fit_at_size(Runs(tuple(runs)), LARGER).laws["task"]
        ranks.append(rank_correlation(law.predict(unseen), score(unseen, LARGER)))
    assert np.mean(ranks) > 0.9  # 0.87 when the asked size was the root


def test_levels_of_proxies_that_gain_nothing_from_size_are_uncertain_too():
    """Their learning rates and batches differ, so their levels do."""
    sizes = tuple(Size(n, 5e5) for n in (2e5, 4e5, 1e6))
    rng = np.random.default_rng(0)
    worth = rng.uniform(0.1, 2.0, size=(40, 4))
    levels = {size: rng.normal(scale=0.015, size=40) for size in sizes}
    runs = []
    for size in sizes:
        for number, w in enumerate(rng.dirichlet(np.ones(4), 16)):
            effect = (0.3 + worth @ w**0.5) ** -0.6
            y = 3 + effect + levels[size] + rng.normal(scale=0.01, size=40)
            scores = {f"t{task:02d}": float(value) for task, value in enumerate(y)}
            runs.append(Run(f"{size}-{number}", f"m{number}", dict(zip("abcd", w.tolist(), strict=True)), scores, size))
    checked = check_law_at(*hold_out_size(Runs(tuple(runs)), sizes[2]), sizes[2])
    assert checked.coverage
    assert np.mean(list(checked.coverage.values())) > 0.7  # 0.53 when levels wandered by a share of their slope alone


def test_the_axis_is_what_varies():
    asked = Size(1e6, 5e5)
    ladder = ladder_to((Size(2e5, 5e5), Size(4e5, 5e5)), asked)
    np.testing.assert_allclose(ladder.places[:, 0], np.log([0.2, 0.4]))
    ladder = ladder_to((Size(1e6, 1e6), Size(1e6, 4e6)), Size(1e6, 8e6))
    np.testing.assert_allclose(ladder.places[:, 0], np.log([1 / 8, 1 / 2]))
    ladder = ladder_to((Size(1e6, 2e7), Size(4e6, 8e7)), Size(8e6, 16e7))
    np.testing.assert_allclose(ladder.places[:, 0], np.log([1 / 8, 1 / 2]))
    nearly = ladder_to((Size(2e5, 524_288), Size(2e5, 522_240)), Size(2e5, 524_288))
    assert nearly.places.shape == (2, 1)
    assert np.abs(nearly.places).max() < 0.01


def test_the_way_to_the_root_goes_by_the_nearest_sizes():
    ladder = ladder_to(SIZES, LARGER)
    parents, gaps = ladder.walk(1 + ladder.nearest)
    assert parents.tolist() == [3, 2, 3, -1]
    np.testing.assert_allclose(gaps, np.log([4, 4, 4, 1]))
    assert ladder.walk(0)[0].tolist() == [-1, 2, 3, 0]


def test_jacobian_against_differences():
    rng = np.random.default_rng(0)
    ladder = ladder_to(SIZES, LARGER)
    law = Sized(LAWS["transfer"], ladder, np.full(4, 0.25), Wander(), 0.3)  # type: ignore[arg-type]
    columns = np.concatenate([rng.dirichlet(np.ones(4), size=8), np.arange(8)[:, None] % 4], axis=1)
    start = law.start(5, law.starts[0])
    theta = start[None] + 0.1 * rng.normal(size=(2, len(start)))
    _, slope = law.curve(theta, columns)
    np.testing.assert_allclose(law.curve(theta, columns)[0], law.values(theta, columns))
    for q, step in enumerate(1e-6 * np.eye(len(start))):
        numeric = (law.curve(theta + step, columns)[0] - law.curve(theta - step, columns)[0]) / 2e-6
        np.testing.assert_allclose(slope[..., q], numeric, atol=1e-6)


def test_what_cannot_be_reached_or_told_is_refused():
    runs = swarm()
    with pytest.raises(MixError, match="at 1T:20T: lies 62,500 times beyond the size of the runs, which span 16 times"):
        fit_at_size(runs, Size(1e12, 20e12))
    with pytest.raises(MixError, match="has 900 tokens per parameter, and the runs have 20"):
        fit_at_size(runs, Size(64e6, 900 * 64e6))
    one = Runs((*runs.runs[:28], runs.runs[30]))
    with pytest.raises(MixError, match="the runs of 16M:320M have a single mix"):
        fit_at_size(one, LARGER)
    with pytest.raises(MixError, match="all runs have the size 1M:20M"):
        fit_at_size(Runs(runs.runs[:14]), LARGER)
    with pytest.raises(MixError, match="run 'r000' has no size"):
        fit_at_size(Runs((Run(**{**runs.runs[0].__dict__, "size": None}), *runs.runs[1:])), LARGER)
    with pytest.raises(MixError, match=r"3 sizes \(1M:20M, 4M:80M, 16M:320M\) — say with --at"):
        recommend(Question(runs, {task: task for task in WORTH}))
    with pytest.raises(MixError, match="no run has that size, so it cannot be held out"):
        hold_out_size(runs, LARGER)


def test_sizes_as_they_are_written():
    assert size_at("64M", SIZES) == LARGER
    assert size_at("1.5B:30B", SIZES) == Size(1.5e9, 30e9)
    assert size_at("1B", (Size(1e6, 0), Size(1e7, 0))) == Size(1e9, 0)
    several = (*SIZES, Size(1e6, 1e9))
    for text, message in (
        ("large", "is no size"), ("1B:", "is no size"), ("0:1B", "is no size"), ("1B", "tokens have to be named too"),
    ):  # fmt: skip
        with pytest.raises(MixError, match=message):
            size_at(text, several)
    with pytest.raises(MixError, match="the runs have no size"):
        size_at("1B", (None,))


def table(name: str, **columns: list) -> object:
    return table_of(name, pl.DataFrame({"run": ["a", "b", "c", "d"], **columns}))


def test_sizes_of_a_table():
    metrics = table("metrics", x_bpb=[1.0, 1.1, 0.9, 0.8])
    weights = {"web": [0.1, 0.2, 0.3, 0.4], "code": [0.9, 0.8, 0.7, 0.6]}
    expected = (Size(1e6, 20e6), Size(1e6, 20e6), Size(1e9, 20e9), Size(1e9, 20e9))
    written = {"size": ["1M", "1m", "1B", "1_000_000_000"], "tokens": ["20M", "20M", "20B", "20e9"]}
    numbers = {"parameters": [1e6, 1e6, 1e9, 1e9], "tokens": [20_000_000, 20_000_000, 20_000_000_000, 20_000_000_000]}
    for columns in (written, numbers):
        joined = join_tables(table("ratios", **weights, **columns), metrics)
        assert joined.runs.sizes_of_runs == expected
        assert joined.runs.domains == ("code", "web")
        joined = join_tables(table("ratios", **weights), table("metrics", x_bpb=[1.0, 1.1, 0.9, 0.8], **columns))
        assert joined.runs.sizes_of_runs == expected
        assert joined.runs.tasks == ("x_bpb",)
    wrong = {**written, "size": ["1M", "1M", "large", "1B"]}
    with pytest.raises(MixError, match="row 3, column 'size' is 'large', which is no number of parameters"):
        join_tables(table("ratios", **weights, **wrong), metrics)
    other = table("metrics", x_bpb=[1.0, 1.1, 0.9, 0.8], size=["1M", "1M", "1B", "2B"], tokens=written["tokens"])
    with pytest.raises(MixError, match="run 'd' has the size 1B:20B in ratios and 2B:20B in metrics"):
        join_tables(table("ratios", **weights, **written), other)


def test_sizes_are_not_averaged():
    run = swarm().runs[0]
    other = Run(**{**run.__dict__, "id": "again", "size": SIZES[1]})
    runs = Runs((run, other))
    assert len(runs.by_mix().runs) == 2
    assert not runs.replicates()
