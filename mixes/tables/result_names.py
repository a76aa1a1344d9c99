"""Which run a file of results belongs to: by its name, a folder above it, or the model's path that lm-eval states.

lm-eval names the folder of a model after its path and writes `__` for `/` and the like; it puts the time into the name
of the file. A name is a run's key as it is, in lm-eval's spelling, one of the parts between `__`, or, where nothing of
that fits, with other words before or after it (`swarm-r01-hf`).
"""

import glob
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mixes.errors import MixError
from mixes.tables.keys import KEYS, Table, listed

TIME = re.compile(r"[_-]?\d{4}-\d\d-\d\d(?:[T_ ]\d\d[-:]\d\d[-:]\d\d(?:\.\d+)?)?$")  # at the end of lm-eval's names
UNSPELT = re.compile(r"[\"<>:/|\\?*\[\]]+")  # what lm-eval writes as `__`
LEAST = 3  # characters of a key, with a letter among them, that is found inside a longer name (assumed)


def is_glob(place: str) -> bool:
    """Whether a place is a pattern and not a file that is called so."""
    return glob.has_magic(place) and not Path(place).exists()


def names_of_file(place: str, path: Path, content: Any) -> list[str]:
    """Names that a file's run may have, nearest first."""
    above = path.parents if is_glob(place) else [p for p in path.parents if p.is_relative_to(place)]
    folders = [folder.name for folder in above]
    parts = [part for folder in folders for part in reversed(folder.split("__")) if part != folder]
    stem = TIME.sub("", path.stem)
    return [path.stem, stem, stem.removeprefix("results_"), *folders, *parts, *_stated_names(content)]


def runs_of_files(place: str, names_of: Mapping[Path, list[str]], ratios: Table) -> tuple[str, dict[Path, str]]:
    """The key column of `ratios` whose values are the files' or folders' names, and file → value.

    Raises:
        MixError: a file bears no key.
    """
    best: tuple[str, dict[Path, str]] = ("", {})
    for key in (name for name in KEYS if name in ratios.frame.columns):
        values = {UNSPELT.sub("__", value): value for value in ratios.frame[key].drop_nulls()}
        whose = {path: run for path, names in names_of.items() if (run := _run_of(names, values)) is not None}
        if len(whose) > len(best[1]):
            best = (key, whose)
    without = [path for path in names_of if path not in best[1]]
    if without:
        raise _nameless(place, without, names_of[without[0]], ratios)
    return best


def _run_of(names: Iterable[str], values: Mapping[str, str]) -> str | None:
    """The run that one of a file's names names; values: a key in lm-eval's spelling → the key."""
    spelt = [UNSPELT.sub("__", name) for name in names]
    exact = next((values[name] for name in spelt if name in values), None)
    if exact is not None:
        return exact
    keys = [key for key in values if len(key) >= LEAST and re.search(r"[^\W\d_]", key)]
    for name in spelt:
        inside = [key for key in keys if key in name and re.search(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])", name)]
        longest = max(inside, key=len, default="")
        if longest and all(key in longest for key in inside):
            return values[longest]
    return None


def _nameless(place: str, without: list[Path], names: list[str], ratios: Table) -> MixError:
    """The error for result files whose names hold no key."""
    keys = [name for name in KEYS if name in ratios.frame.columns]
    values = ratios.frame[keys[0]].drop_nulls().to_list()[:1] if keys else []
    example = str(values[0]) if values else "run-001"
    return MixError(
        f"`metrics` {place}: {listed([str(path) for path in without])} bear no key of {ratios.name} in their file's or "
        f"folder's name (they are called {listed(list(dict.fromkeys(names)))}) — name each run's folder by its key, as "
        f"{example!r}, for example by lm_eval --output_path {Path(place).name}/{example}"
    )


def _stated_names(content: Any) -> list[str]:
    """Parts of the model's path that lm-eval states, the last first."""
    if not isinstance(content, dict) or not isinstance(content.get("config", {}), dict):
        return []
    arguments = content.get("config", {}).get("model_args")
    if not isinstance(arguments, dict):
        arguments = dict(pair.split("=", 1) for pair in str(arguments or "").split(",") if "=" in pair)
    stated = [*(arguments.get(name) for name in ("pretrained", "peft", "model", "path")), content.get("model_name")]
    return [part for name in stated if isinstance(name, str) for part in reversed(name.split("/")) if part]
