"""How a loader says what it drew: one JSON line per sample, its token ids or the hash of its text.

A loader is run by the trainers' own Python as `python LOADER.py FOLDER TOKENS`: it reads a folder that was written for
the trainer, with the trainer's own code, and draws about TOKENS tokens, or all. Which domain a sample is of is found
out by the test, in the pool itself: a loader need not be believed.
"""

import hashlib
import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

FOLDER, WANTED = Path(sys.argv[1]), int(sys.argv[2])
SEQUENCE = 64  # tokens of a sample, where the loader decides it


def put_tokens(tokens) -> int:
    """Say that these ids were drawn; returns how many."""
    ids = [int(token) for token in tokens]
    print(json.dumps({"tokens": ids}))
    return len(ids)


def put_text(text: str) -> None:
    """Say that this document was drawn."""
    print(json.dumps({"text": hashlib.sha256(text.encode()).hexdigest()}))


def stand_in(*names: str) -> None:
    """Stand-ins for packages that a trainer imports for pictures or sound, and that only load beside a GPU's torch."""

    class Anything(types.ModuleType):
        __path__: list = []

        def __getattr__(self, name: str):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    for name in names:
        sys.modules[name] = Anything(name)
        sys.modules[name].__spec__ = ModuleSpec(name, None)
