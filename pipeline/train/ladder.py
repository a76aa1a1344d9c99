"""The runs of every size that a work folder holds of one pool and one suite: swarms of several proxy sizes, and the
larger proxies of validations."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from mixes.errors import MixError
from mixes.runs import Run, Runs, Size
from mixes.sizes import parse_count
from mixes.tables.join import mix_names
from pipeline.store.seal import is_whole_table
from pipeline.train.records import TRAINED

FEWEST = 2  # mixes of a size; one mix does not tell what mixes do there


def runs_of_all_sizes(
    records: Path, pool: str, suite: str, note: Callable[[str], None], but: frozenset[str] = frozenset()
) -> tuple[Runs, dict[str, int]]:
    """All trained runs over a pool and a suite (their stages' names), with their sizes; run → its proxy's seed.

    A size counts the parameters that its name says, without embeddings. Sizes of a single mix are left out, with a
    note; so are the runs in `but`.

    Raises:
        MixError: there are none.
    """
    rows = []
    for file in sorted((records / "runs").glob("*.parquet")):
        scores = records / "scores" / file.name
        if file.stem in but or not (is_whole_table(file) and is_whole_table(scores)):
            continue
        row = pl.read_parquet(file).row(0, named=True)
        if (row["pool"], row["suite"], row["status"]) == (pool, suite, TRAINED):
            rows.append(row)
    sizes = [Size(parse_count(row["size"]), float(row["tokens"])) for row in rows]
    weights = [json.loads(row["weights"]) for row in rows]
    mixes = {size: {rows[i]["weights"] for i, own in enumerate(sizes) if own == size} for size in set(sizes)}
    alone = sorted(size for size, tried in mixes.items() if len(tried) < FEWEST)
    for size in alone:
        note(f"the proxies of {size} have a single mix and are left out")
    chosen = [i for i, size in enumerate(sizes) if size not in alone]
    if not chosen:
        raise MixError(f"swarm: no size of proxies over {pool} has two mixes — run `mixwright swarm` first")
    domains = sorted(weights[chosen[0]])
    names = mix_names(domains, pl.DataFrame([weights[i] for i in chosen]).select(domains).to_numpy())
    runs = [
        Run(rows[i]["run"], name, weights[i], _scores(records / "scores" / f"{rows[i]['run']}.parquet"), sizes[i])
        for i, name in zip(chosen, names, strict=True)
    ]
    return Runs(runs), {rows[i]["run"]: int(rows[i]["seed"]) for i in chosen}


def _scores(file: Path) -> dict[str, float]:
    """Task → bpb."""
    return dict(pl.read_parquet(file).filter(pl.col("kind") == "task").select("task", "bpb").iter_rows())
