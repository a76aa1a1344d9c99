"""Classifiers that are trained: cross-fitted and calibrated, on texts made up."""

import numpy as np
import pytest

from classifiers.calibrate import calibration_error, fit_calibration, held_out_calibration, reliability
from classifiers.crossfit import fold_of, train_crossfit
from classifiers.errors import ClassifierError
from classifiers.examples import Examples
from classifiers.model import TextModel, TrainingSettings
from pipeline.store.documents import content_hash

SMALL = TrainingSettings(hash_buckets=1_000)


def test_no_text_is_scored_by_a_model_that_was_trained_on_it(tmp_path):
    texts = [f"{word} {n * n}th word" for n, word in enumerate(["good", "bad"] * 40)]
    examples = Examples(texts, ["good", "raw"] * 40, {})
    fitted = train_crossfit(examples, 4, SMALL, tmp_path / "q")
    for fold in range(4):
        own = [text for text, one in zip(texts, examples.hashes, strict=True) if fold_of(one, 4) == fold]
        hashes = [content_hash(text) for text in own]  # as documents carry them
        np.testing.assert_array_equal(fitted.probabilities(own, hashes), fitted.models[fold].probabilities(own))
        vocabulary = set(fitted.models[fold]._model.words)
        assert len(own) > 5
        assert not vocabulary & {text.split()[1] for text in own}
    assert content_hash("a  b\n") == content_hash("a b")


def test_a_text_cannot_bring_a_label_along(tmp_path):
    texts = [f"__label__evil {n} __label____label__evil" for n in range(40)]
    fitted = train_crossfit(Examples(texts, ["a", "b"] * 20, {}), 2, SMALL, tmp_path)
    assert [model.labels for model in fitted.models] == [("a", "b")] * 2


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "m.bin").write_bytes(b"hello" * 10)
    with pytest.raises(ClassifierError, match="not a fastText model"):
        TextModel(tmp_path / "m.bin")


@pytest.fixture(scope="module")
def overconfident() -> tuple[np.ndarray, list[str], np.ndarray]:
    """(probabilities, truth, folds) of texts whose log-odds say three times what is true, and are off by one."""
    rng = np.random.default_rng(5)
    odds = rng.normal(0, 2, 4_000)
    truth = rng.random(4_000) < 1 / (1 + np.exp(-odds))
    good = 1 / (1 + np.exp(-(3 * odds + 1)))
    labels = np.where(truth, "good", "raw").tolist()
    return np.stack([good, 1 - good], axis=1), labels, rng.integers(0, 4, 4_000)


def test_calibration_finds_the_planted_slope_and_comes_true_on_texts_it_never_saw(overconfident):
    probabilities, truth, folds = overconfident
    fitted = fit_calibration(probabilities, ("good", "raw"), truth, bias=True)
    assert fitted.scale == pytest.approx(1 / 3, abs=0.03)
    assert fitted.bias["raw"] == pytest.approx(1 / 3, abs=0.08)  # toward raw, as good was one too high
    held_out = held_out_calibration(probabilities, ("good", "raw"), truth, folds, bias=True)
    is_good = np.array([label == "good" for label in truth])
    before, after = (calibration_error(reliability(p[:, 0], is_good)) for p in (probabilities, held_out))
    assert before > 0.1
    assert after < 0.03
    temperature = fit_calibration(probabilities, ("good", "raw"), truth, bias=False)
    assert temperature.scale == pytest.approx(1 / 3, abs=0.03)
    assert not temperature.bias


def test_calibration_never_turns_the_order_round(overconfident):
    probabilities, truth, _ = overconfident
    calibrated = fit_calibration(probabilities, ("good", "raw"), truth, bias=True).apply(probabilities, ("good", "raw"))
    assert (np.argsort(calibrated[:, 0], kind="stable") == np.argsort(probabilities[:, 0], kind="stable")).all()
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    inverted = fit_calibration(probabilities[:, ::-1], ("good", "raw"), truth, bias=True)
    assert inverted.scale == 1
    assert not inverted.bias
