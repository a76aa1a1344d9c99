"""Earlier runs over today's domains, as candidates that are trained already."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flows.earlier.compare import check_scored_alike
from flows.earlier.find import EarlierRun, EarlierSwarm, find_earlier
from flows.errors import ExperimentError
from flows.experiment import Experiment
from mixes.reuse.beside import Mix, mix_of, number_seeds
from mixes.reuse.evidence import carry_mixes
from mixes.reuse.identity import compare_domains
from mixes.swarm import Candidate, rounded_weights
from pipeline.pool.content_hash import domain_contents, known_contents
from pipeline.pool.pool import Pool
from pipeline.store.stage import StageStore, Unfinished
from pipeline.store.writing import write_aside
from pipeline.train.records import TABLES
from pipeline.train.setup import Evidence

FATES = {"same": "unchanged", "renamed": "renamed", "split": "split", "merged": "merged, so new here",
         "changed": "changed", "added": "new"}  # fmt: skip


@dataclass(frozen=True)
class Carried:
    """Earlier runs that count today."""

    candidates: tuple[Candidate, ...]
    records: Mapping[str, Path]  # run → the folder of records that holds it
    lines: tuple[str, ...]  # what became of the domains, and how many runs are kept


def carried_runs(experiment: Experiment, stages: StageStore, evidence: Evidence | None) -> Carried:
    """The runs of `reuse.runs` under today's names. evidence: of the new proxies; None where there is none yet.

    Raises:
        ExperimentError: they were scored in another way.
        MixError: the content of a domain that they read has changed, and `reuse.allow_stale` is not set.
        Unfinished: the pool's contents, or an earlier one's, have not been compared yet, and `stages` makes nothing.
    """
    if evidence is None:
        raise Unfinished("the suite is not tokenised yet")
    swarms = find_earlier(experiment)
    for earlier in swarms:
        check_scored_alike(experiment, earlier, evidence)
    now = domain_contents(stages, evidence.pool)
    tokens = {name: float(domain.tokens) for name, domain in Pool(evidence.pool).domains.items()}
    offsets = number_seeds((run.pool for earlier in swarms for run in earlier.runs), evidence.pool.name)
    runs: dict[str, tuple[EarlierRun, dict[str, float]]] = {}
    records: dict[str, Path] = {}
    lines: list[str] = []
    for earlier in swarms:
        for pool in sorted({run.pool for run in earlier.runs}):
            of_pool = [run for run in earlier.runs if run.pool == pool]
            contents = _contents(stages, earlier, pool)
            mixes = {run.id: run.weights for run in of_pool}
            stale = bool(experiment.reuse and experiment.reuse.allow_stale)
            carried = carry_mixes(mixes, contents, now, tokens, earlier.what, stale)
            runs |= {run.id: (run, rounded_weights(carried[run.id])) for run in of_pool if run.id in carried}
            records |= dict.fromkeys(carried, earlier.folder / "records")
            lines += _lines(pool, contents, now, len(carried), len(of_pool))
    candidates = [Candidate(run.mix, mix, run.seed + offsets[run.pool], 0, run.id) for run, mix in runs.values()]
    return Carried(tuple(_named(candidates)), records, tuple(lines))


def keep_records(experiment: Experiment, carried: Carried) -> None:
    """Copy the records of runs of other work folders to this one's, so that it goes on without them.

    Raises:
        ExperimentError: one is gone.
    """
    for run, records in carried.records.items():
        for table in reversed(TABLES):  # `runs` last: a run is recorded once its row is there
            target = experiment.records / table / f"{run}.parquet"
            if target.is_file():
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_aside(target, (records / table / f"{run}.parquet").read_bytes())
            except FileNotFoundError as error:
                raise ExperimentError(
                    f"reuse.runs: {error.filename} is gone — run `mixwright swarm` on the earlier experiment again"
                ) from None


def _contents(stages: StageStore, earlier: EarlierSwarm, pool: str) -> dict[str, str]:
    """Domain → content of an earlier pool, as its work folder or this one has it, or by its documents."""
    theirs = StageStore(earlier.folder / "stages", makes=False)
    for store in (theirs, stages.finding):
        try:
            return known_contents(stages, pool, domain_contents(store, store.root / pool))
        except Unfinished:
            continue
    if not (theirs.root / pool / "manifest.json").is_file():
        raise ExperimentError(
            f"{earlier.what}: {pool} is gone from {theirs.root}, so what its domains held is not known — run "
            "`mixwright run` on the earlier experiment again"
        )
    return domain_contents(stages, theirs.root / pool)


def _named(candidates: list[Candidate]) -> list[Candidate]:
    """One name per mix, in order of the runs: names of several swarms may coincide."""
    names: dict[Mix, str] = {}
    for candidate in candidates:
        names.setdefault(mix_of(candidate), f"earlier-{len(names) + 1:03d}")
    return [replace(candidate, mix=names[mix_of(candidate)]) for candidate in candidates]


def _lines(pool: str, contents: Mapping[str, str], now: Mapping[str, str], kept: int, of: int) -> list[str]:
    """What became of each domain since a pool, and how many of its runs are kept."""
    origins = compare_domains(contents, now)
    lines = []
    for fate, word in FATES.items():
        names = [
            name + (f" (from {', '.join(origin.earlier)})" if fate in ("renamed", "split", "merged") else "")
            for name, origin in origins.items()
            if origin.fate == fate
        ]
        lines += [f"{word}: {', '.join(names)}"] if names else []
    gone = sorted(set(contents) - {name for origin in origins.values() for name in origin.earlier})
    lines += [f"gone: {', '.join(gone)}"] if gone else []
    left = f"; {of - kept} are left out, since they read a domain that is gone" if kept < of else ""
    return [*lines, f"{kept} earlier runs over {pool} are kept{left}"]
