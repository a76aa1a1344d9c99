"""Mixes of one's own, from files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.errors import ExperimentError

MIX = "mix"  # the key under which `--out` writes a mix


def read_mixes(files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Name → domain → share; the name is the file's, without its ending. Shares may be percent, of 100 in all.

    Raises:
        ExperimentError: a file that is no mapping of domains to numbers, or two of one name.
    """
    from mixes.tables.yaml_file import read_yaml

    mixes: dict[str, dict[str, float]] = {}
    for file in files:
        content = read_yaml(file)
        weights = content.get(MIX, content) if isinstance(content, Mapping) else content
        if not isinstance(weights, Mapping) or not weights:
            raise ExperimentError(f"--mix {file}: holds no mix — write a line `domain: share` for each domain")
        odd = [name for name, value in weights.items() if isinstance(value, bool) or not isinstance(value, int | float)]
        if odd:
            raise ExperimentError(f"--mix {file}: the share of {odd[0]!r} is {weights[odd[0]]!r}, not a number")
        if file.stem in mixes:
            raise ExperimentError(f"--mix {file}: another file is called {file.stem!r} too — rename one")
        total = float(sum(weights.values()))
        if abs(total - 1) > 0.001 and abs(total - 100) > 0.1:
            raise ExperimentError(f"--mix {file}: shares sum to {total:.6g}, not 1 — scale them")
        scale = 100 if total > 50 else 1
        mixes[file.stem] = {str(name): float(value) / scale for name, value in weights.items()}
    return mixes
