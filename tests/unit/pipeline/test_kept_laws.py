"""Laws and imagined worlds are made once for a swarm's scores, kept, and made anew where they are damaged."""

import numpy as np
import pytest

from mixes.certainty.fitted import fit_swarm
from mixes.optimum.holdings import Holdings
from mixes.recommendation.answer import answer
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs
from pipeline.stages import laws
from pipeline.stages.laws import recommend_once_fitted
from pipeline.store.cache import swarm_cache, trim_cache
from pipeline.store.stage import StageStore

DOMAINS = ("books", "code", "web")
FAMILIES = {"mbpp": "code", "sciq": "knowledge"}
NATURAL = {"books": 0.2, "code": 0.1, "web": 0.7}


def question(seed: int = 0, **settings) -> Question:
    """24 mixes and three seeds of natural, where code helps code and books help knowledge."""
    rng = np.random.default_rng(seed)
    mixes = [("natural", list(NATURAL.values()))] * 3
    mixes += [(f"m{number:02d}", mix.tolist()) for number, mix in enumerate(rng.dirichlet(np.ones(3), size=24))]
    runs, seeds = [], {}
    for number, (name, mix) in enumerate(mixes):
        books, code, _ = mix
        truth = {"mbpp": 4 - code**0.5, "sciq": 3 - books**0.5}
        scores = {task: score + float(rng.normal(scale=0.02)) for task, score in truth.items()}
        runs.append(Run(f"r{number:02d}", name, dict(zip(DOMAINS, mix, strict=True)), scores))
        seeds[f"r{number:02d}"] = number if number < 3 else 0
    asked = RecommendSettings(**{"replicates": 20, "law": "linear", **settings})
    return Question(Runs(runs), FAMILIES, Holdings(NATURAL), asked, seeds=seeds)


class Notes(list):
    """What was noted, a line each."""

    def __call__(self, line: str) -> None:
        self.append(line)


@pytest.fixture
def store(tmp_path) -> StageStore:
    return StageStore(tmp_path)


def stages(store: StageStore) -> dict[str, int]:
    """Stage → when its file was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in sorted(store.root.glob("*/arrays.npz"))}


@pytest.mark.parametrize("law", ["auto", "linear", "log_linear"])
def test_what_was_kept_gives_the_same_answer_to_the_last_digit(store, law):
    asked = question(law=law)
    first = recommend_once_fitted(asked, store, Notes())
    kept = stages(store)
    assert [name.partition("-")[0] for name in kept] == ["laws", "worlds"]
    assert recommend_once_fitted(asked, store, Notes()) == first == recommend(asked)
    assert stages(store) == kept


def test_another_target_limit_or_budget_fits_nothing(store):
    recommend_once_fitted(question(), store, Notes())
    kept = stages(store)
    for settings in ({"target": {"code": 1.0}}, {"pull": 0.0}, {"limits": {"bounds": {"web": [0.5, None]}}}):
        asked = question(**settings)
        assert recommend_once_fitted(asked, store, Notes()) == recommend(asked)
        assert stages(store) == kept


def test_other_scores_seeds_or_laws_are_fitted_anew(store):
    recommend_once_fitted(question(), store, Notes())
    assert len(stages(store)) == 2
    recommend_once_fitted(question(seed=1), store, Notes())
    assert len(stages(store)) == 4
    recommend_once_fitted(question(law="log_linear"), store, Notes())
    assert len(stages(store)) == 6


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", None])
@pytest.mark.parametrize("stage", ["laws", "worlds"])
def test_damage_is_noted_and_made_anew(store, stage, damage):
    first = recommend_once_fitted(question(), store, Notes())
    file = next(store.root.glob(f"{stage}-*/arrays.npz"))
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    notes = Notes()
    assert recommend_once_fitted(question(), store, notes) == first
    assert any("damaged" in line and stage in line for line in notes)
    again = Notes()
    assert recommend_once_fitted(question(), store, again) == first
    assert not again


def test_arrays_of_another_version_are_ignored(store, monkeypatch):
    recommend_once_fitted(question(), store, Notes())
    before = stages(store)
    monkeypatch.setattr(laws, "LAWS_VERSION", laws.LAWS_VERSION + 1)
    recommend_once_fitted(question(), store, Notes())
    assert len(stages(store)) == 4
    assert before.items() <= stages(store).items()


def test_laws_that_are_no_numbers_are_fitted_each_time(store):
    asked = question(law="gp")
    first = recommend_once_fitted(asked, store, Notes())
    assert recommend_once_fitted(asked, store, Notes()) == first
    assert all(path.stat().st_size < 1_000 for path in store.root.glob("*/arrays.npz"))


def test_a_cache_that_cannot_be_written_is_a_note_and_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path / "file"))
    notes = Notes()
    assert swarm_cache(notes) is None
    assert "cannot be written" in notes[0]
    assert recommend_once_fitted(question(), None, notes) == recommend(question())


def test_the_cache_drops_what_was_not_used_for_longest(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path))
    cache = swarm_cache(Notes())
    assert cache
    for seed in (0, 1, 0):  # the first is used again
        recommend_once_fitted(question(seed=seed), cache, Notes())
    size = sum(path.stat().st_size for path in cache.root.glob("*/*"))
    trim_cache(cache, most=size // 2 + 1_000)
    left = stages(cache)
    assert len(left) == 2
    recommend_once_fitted(question(), cache, Notes())
    assert stages(cache) == left


def test_an_answer_without_intervals_is_the_same_mix():
    asked = question(target={"code": 1.0})
    fitted = fit_swarm(asked.runs, asked.settings.law, seeds=asked.seeds)
    quick, whole = answer(asked, fitted), recommend(asked)
    assert quick.mix == whole.mix
    assert quick.binding == whole.binding
    for name, row in quick.predicted.items():
        assert row.natural == whole.predicted[name].natural
        assert row.mix == pytest.approx(whole.predicted[name].mix - whole.predicted[name].optimism)
