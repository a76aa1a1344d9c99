"""Which records a catalog shows: those of one pool, of one swarm over it, and all recommendations of the work folder.

Recommendations by other swarms are there to be compared; each row says whether it is by the swarm that is shown.
`current.json` lists the records of pools and swarms, each under its own id. Recommendations and validations are listed
by their folders, one per swarm. So two experiments in one work folder, or recommendations that end at the same time,
never mix: a writer holds the lock, adds what is its own, and shows what belongs to it.
"""

import json
from collections.abc import Callable
from pathlib import Path

from flows.catalog.schema import VERSION
from pipeline.store.seal import Damaged, is_whole_table, read_sealed_json, sealed_json
from pipeline.store.work_folder import newer_workspace
from pipeline.store.writing import unheard, write_aside

Current = dict[str, list[str]]  # table → record files, relative to the work folder
LOCK = ".records.lock"
INDEX = "current.json"
POOLS, SWARMS, LAST = "pools", "swarms", "last_swarm"  # id → its records; pool → the swarm recorded last
MOST = 100  # pools or swarms that are listed; the oldest go first
RECOMMENDATIONS = "recommendations"
COMPARED = "compared_mixes"  # which recommendations of earlier versions do not have
ABOUT_RECOMMENDATIONS = (
    "laws", "recommendation_weights", "recommendation_buckets", "predictions", "marginals", "cautions", COMPARED,
    RECOMMENDATIONS,
)  # fmt: skip
VALIDATIONS = "validations"
REFRESHES = "refreshes"
BLENDS = ("blends", "blend_domains")

Index = dict[str, dict]


def read_index(folder: Path, note: Callable[[str], None]) -> Index:
    """The lists of a work folder; empty where there are none, or where they are damaged or of an older version.

    Raises:
        PipelineError: a newer mixwright wrote them.
    """
    empty: Index = {POOLS: {}, SWARMS: {}, LAST: {}}
    check_index(folder)
    try:
        content = read_sealed_json(folder / INDEX)
    except FileNotFoundError:
        return empty
    except Damaged:
        note(f"{INDEX} is damaged: it is made anew")
        return empty
    return {part: content.get(part, {}) for part in empty} if content.get("schema_version") == VERSION else empty


def check_index(folder: Path) -> None:
    """Check that no newer mixwright wrote the lists.

    Raises:
        PipelineError: one did.
    """
    try:
        version = json.loads((folder / INDEX).read_bytes())["schema_version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(version, int) and version > VERSION:
        raise newer_workspace(folder, INDEX, version, VERSION)


def write_index(folder: Path, index: Index) -> None:
    """Write the lists; with the lock held."""
    newest = {part: dict(list(lists.items())[-MOST:]) for part, lists in index.items()}
    write_aside(folder / INDEX, sealed_json({"schema_version": VERSION, **newest}))


def with_pool(index: Index, pool: str, files: Current) -> Index:
    """The lists with a pool's records, as the newest."""
    return {**index, POOLS: _last(index[POOLS], pool, files)}


def with_swarm(index: Index, pool: str, swarm: str, files: Current) -> Index:
    """The lists with a swarm's records, as the newest and as the one that is shown of its pool."""
    return {**index, SWARMS: _last(index[SWARMS], swarm, files), LAST: _last(index[LAST], pool, swarm)}


def _last(lists: dict, key: str, value: object) -> dict:
    return {**{name: kept for name, kept in lists.items() if name != key}, key: value}


def shown_swarm(index: Index, pool: str, swarm: str | None) -> str | None:
    """The swarm to show of a pool: the given one, else the one that was recorded last; None where there is none."""
    return swarm or index[LAST].get(pool)


def current_records(folder: Path, index: Index, pool: str, swarm: str | None, note: Callable[[str], None]) -> Current:
    """The records to show of a pool and a swarm over it."""
    listed = {**index[POOLS].get(pool, {}), **index[SWARMS].get(swarm, {})}
    current = {table: [file for file in files if _usable(folder / file)] for table, files in listed.items()}
    current |= {table: [] for table in (*ABOUT_RECOMMENDATIONS, VALIDATIONS)}
    for other in _swarms(folder, swarm):
        names = numbered(folder, other, note if other == swarm else unheard).values()
        for table in ABOUT_RECOMMENDATIONS:
            files = [f"records/{table}/{other}/{name}.parquet" for name in names]
            current[table] += [file for file in files if table != COMPARED or (folder / file).exists()]
        validations = _stems(folder / "records" / VALIDATIONS / other)
        files = [f"records/{VALIDATIONS}/{other}/{name}.parquet" for name in validations]
        current[VALIDATIONS] += [file for file in files if is_whole_table(folder / file)]
    files = [f"records/{REFRESHES}/{name}.parquet" for name in _stems(folder / "records" / REFRESHES)]
    current[REFRESHES] = [file for file in files if is_whole_table(folder / file)]
    for table in BLENDS:
        files = [f"records/{table}/{pool}/{name}.parquet" for name in _stems(folder / "records" / table / pool)]
        current[table] = [file for file in files if is_whole_table(folder / file)]
    return current


def _swarms(folder: Path, shown: str | None) -> list[str]:
    """Swarms of which there are recommendations, the one that is shown first."""
    recorded = sorted(place.name for place in (folder / "records" / RECOMMENDATIONS).glob("*") if place.is_dir())
    return [name for name in recorded if name == shown] + [name for name in recorded if name != shown]


def _usable(file: Path) -> bool:
    """Whether a catalog can show it: globs and stages' files are checked elsewhere, damaged records are made anew."""
    return "records" not in file.parts[-3:-1] or is_whole_table(file)


def numbered(folder: Path, swarm: str, note: Callable[[str], None]) -> dict[str, str]:
    """Recommendation → the name of its records, `number-id`, in the order in which they were made.

    One of which a record is damaged is left out; it comes back when it is asked for again.
    """
    records, names = folder / "records", {}
    for name in _stems(records / RECOMMENDATIONS / swarm):
        files = {table: records / table / swarm / f"{name}.parquet" for table in ABOUT_RECOMMENDATIONS}
        missing = {COMPARED} if not files[COMPARED].exists() else set()
        damaged = [table for table, file in files.items() if table not in missing and not is_whole_table(file)]
        if damaged:
            note(f"{damaged[0]}/{swarm}/{name}.parquet is damaged: ask for that recommendation again")
        else:
            names[name.partition("-")[2]] = name  # of one that was recorded twice the last counts
    return names


def last_number(folder: Path, swarm: str) -> int:
    """The largest number of a swarm's recommendations, damaged ones among them; 0 before the first."""
    numbers = [name.partition("-")[0] for name in _stems(folder / "records" / RECOMMENDATIONS / swarm)]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _stems(records: Path) -> list[str]:
    """Names of the record files of a folder, sorted."""
    return sorted(file.stem for file in records.glob("*.parquet") if not file.name.startswith("."))
