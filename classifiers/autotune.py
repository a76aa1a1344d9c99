"""fastText's autotune: a timed search for better settings, made once for given texts and then remembered.

What it finds depends on the machine's speed, so the found settings are written down as soon as they are known, under
a hash of the texts and the settings that the search began with, and models are then trained with them as if a
person had chosen them. On the sample's topics (9,033 texts, 15 epochs given) 20 seconds of two cores found 69 epochs
and single words: held-out accuracy 0.874 instead of 0.848, macro F1 0.841 instead of 0.804. 60 seconds found nothing
better, and 20 seconds of busier cores nothing better than what was given. On its quality model 20 seconds found 100
epochs and subwords: average precision 0.997 instead of 0.993, ROC AUC 0.988 instead of 0.976.

The search begins with the given settings, so what it finds is no worse on its validation texts, which are the first
fold's. Their held-out numbers may be hopeful, though it did not show there (accuracy +0.028, elsewhere +0.025). The
widths of the embeddings and of the n-grams' table stay as given, since they decide memory (fastText would try a
thousand dimensions and ten million buckets).
"""

import hashlib
import json
import os
import sys
from itertools import compress
from pathlib import Path

import fasttext_pybind  # the wrapper of the library cannot start a search from given settings

from classifiers.crossfit import fold_of
from classifiers.errors import ClassifierError
from classifiers.examples import Examples
from classifiers.file_format import LABEL
from classifiers.model import training_file
from classifiers.sandbox import end_with_parent, run_child
from classifiers.settings import TrainingSettings

VERSION = 1  # raised when a search would find something else
FIELDS = {
    "epochs": "epoch",
    "learning_rate": "lr",
    "word_ngrams": "wordNgrams",
    "shortest_subword": "minn",
    "longest_subword": "maxn",
    "dimensions": "dim",
    "hash_buckets": "bucket",
}  # our names → fastText's
FIXED = ("dim", "bucket")
SLACK = 120  # seconds beside those of the search, in which it trains once more


def tuned(examples: Examples, folds: int, settings: TrainingSettings, records: Path) -> TrainingSettings:
    """The settings to train with: those found in `records`, else by a search; the given ones where none is wanted.

    Raises:
        ClassifierError: no trial ended in time, or a label has too few texts.
    """
    if settings.autotune_seconds is None:
        return settings
    begun = json.dumps([VERSION, folds, settings.model_dump(), examples.id], sort_keys=True)
    record = records / f"{hashlib.sha256(begun.encode()).hexdigest()[:16]}.json"
    if not record.exists():
        records.mkdir(parents=True, exist_ok=True)
        chosen = _search(examples, folds, settings, records)
        aside = record.with_name(f".{record.name}.{os.getpid()}")
        aside.write_text(chosen.model_dump_json(indent=1))
        os.replace(aside, record)
    return TrainingSettings.model_validate_json(record.read_bytes())


def _search(examples: Examples, folds: int, settings: TrainingSettings, folder: Path) -> TrainingSettings:
    """In a child process: the library writes progress to the terminal and takes what memory it likes."""
    seconds = settings.autotune_seconds or 0
    held_out_of = [fold_of(text_hash, folds) == 0 for text_hash in examples.hashes]
    rest = [not out for out in held_out_of]
    if not any(held_out_of) or not any(rest):
        raise ClassifierError(f"training.autotune_seconds: {len(examples.texts)} texts are too few to hold some out")
    training, validation = (
        training_file(
            list(compress(examples.texts, part)), list(compress(examples.labels, part)), settings.passage, folder
        )
        for part in (rest, held_out_of)
    )
    with training as learned, validation as held_out:
        begin = json.dumps({theirs: getattr(settings, ours) for ours, theirs in FIELDS.items()})
        words = [str(learned), str(held_out), str(seconds), begin]
        output = run_child("classifiers.autotune", words, 3 * seconds + SLACK, f"autotune of {seconds} s")
    values = json.loads(output.splitlines()[-1])
    changed = {ours: values[theirs] for ours, theirs in FIELDS.items() if theirs not in FIXED}
    return TrainingSettings(**{**settings.model_dump(), **changed, "autotune_seconds": None})


def _main(training: str, validation: str, seconds: str, begin: str) -> None:
    end_with_parent()
    args = fasttext_pybind.args()
    args.input, args.output, args.saveOutput = training, "", False
    args.model, args.loss = fasttext_pybind.model_name.supervised, fasttext_pybind.loss_name.softmax
    args.label, args.seed, args.verbose = LABEL, 0, 0
    args.minCount, args.thread = 1, os.cpu_count() or 1
    args.autotuneValidationFile, args.autotuneDuration = validation, int(seconds)
    for name, value in json.loads(begin).items():
        setattr(args, name, value)
    for name in FIXED:
        args.setManual(name)
    model = fasttext_pybind.fasttext()
    fasttext_pybind.train(model, args)
    best = model.getArgs()
    print(json.dumps({name: getattr(best, name) for name in FIELDS.values()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
