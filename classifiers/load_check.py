"""Loads a model of unknown origin first in a child process, which may crash, eat memory or hang for all we care."""

import resource
import sys
from pathlib import Path

import fasttext
import numpy as np

from classifiers.file_format import ModelFile, read_model_file
from classifiers.sandbox import end_with_parent, run_child

# A loaded dictionary takes at most some 8 times its bytes in the file (short words, with their subwords' numbers).
MEMORY = 8  # times the file's size, beside …
MEMORY_BASE = 256 << 20  # … bytes that any model may take
SECONDS, BYTES_A_SECOND = 30, 20 << 20  # time that any model may take, and more by size
TEXTS = ["", "The river rose for three days.", "Žluťoučký kůň " * 200, "a\0b\tc 12345 !?"]


def check_model(path: Path, called: str) -> ModelFile:
    """What a model file says of itself, once its parts fit together and a child process could use it.

    `called` begins the line of an error: the field and value by which a person named the model.

    Raises:
        ClassifierError: it is no model, is damaged, or the child did not survive it.
    """
    parts = read_model_file(path, called)
    load_in_child(path, called)
    return parts


def load_in_child(path: Path, called: str) -> None:
    """Load the model and score some texts in a child process with bounded memory and time.

    Raises:
        ClassifierError: the child crashed, ran out of memory or time, or got values that are no probabilities.
    """
    seconds = SECONDS + path.stat().st_size / BYTES_A_SECOND
    run_child("classifiers.load_check", [str(path)], seconds, f"{called}: refused, since a process that loads it")


def _main(path: Path) -> None:
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm = Path("/proc/self/statm")
    mapped = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0  # libraries, so far
    limit = mapped + MEMORY_BASE + MEMORY * path.stat().st_size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    model = fasttext.load_model(str(path))
    _, values = model.predict([" ".join(text.split()) for text in TEXTS], k=-1)
    if not all(np.isfinite(row).all() for row in values):
        sys.exit("it gives values that are no probabilities")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
