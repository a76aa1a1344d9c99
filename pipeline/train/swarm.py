"""Trains the swarm, cohort by cohort.

A run's id is a hash of everything that decides its scores, so a run that was trained once, by this swarm or an
earlier one over the same pool and suite, is never trained again, and an interrupted swarm resumes with the rest.
Which candidates train together is decided once and kept beside datatrove's marks, in a folder that all candidates
name: a driver that was killed finds its cohorts again, and on Slurm its array.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.proxy.memory import choose_cohort, choose_parts
from mixes.proxy.settings import ProxySettings, is_torch_installed
from mixes.swarm import Candidate
from pipeline.executor.progress import Progress
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.check_tokens import check_tokens
from pipeline.pool.pool import Pool
from pipeline.store.files import rank_name
from pipeline.store.listing import wait_until_listed
from pipeline.store.lock import locked
from pipeline.store.seal import Damaged, read_sealed_json, sealed_json
from pipeline.store.writing import unheard, write_aside
from pipeline.train.cohort_limit import largest_cohort
from pipeline.train.records import forget_damaged, is_recorded
from pipeline.train.setup import Evidence

COHORTS = "cohorts.json"


def train_swarm(
    evidence: Evidence,
    candidates: Sequence[Candidate],
    records: Path,
    logs: Path,
    executor: ExecutorSettings,
    progress: Progress,
    note: Callable[[str], None] = unheard,
) -> dict[str, int]:
    """Train every candidate that has no record yet, or a damaged one, which `note` is told.

    Returns:
        What was decided, for the resolved experiment: `cohort`, the proxies that train together (and `most`, where
        memory then allowed only fewer), and `parts`, the pieces of a batch. Empty where other swarms had trained all.

    Raises:
        MixError: there is no GPU where one is asked for, a proxy does not fit it, or none can start from `init_from`.
        DamagedTokens: a file of the pool's tokens is not what was written.
    """
    runs = {evidence.run_id(candidate): candidate for candidate in candidates}
    forget_damaged(records, runs, note)
    folder = _logs(logs, runs)
    if all(is_recorded(records, run) for run in runs):
        return _decided(folder)
    executor = executor.at("swarm")
    check_tokens(Pool(evidence.pool))
    _check_start(evidence)
    check_gpus(evidence.proxy, executor)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock", note):  # of two processes that train one swarm the second finds it trained
        _train_missing(evidence, runs, records, folder, executor, progress, note)
    return _decided(folder)


def _train_missing(
    evidence: Evidence,
    runs: Mapping[str, Candidate],
    records: Path,
    folder: Path,
    executor: ExecutorSettings,
    progress: Progress,
    note: Callable[[str], None],
) -> None:
    missing = [run for run in training_order(runs) if not is_recorded(records, run)]
    if not missing:
        return
    from pipeline.executor.run import run_steps
    from pipeline.train.cohort import TrainCohorts

    executor = _executor(evidence, executor)
    plan = _plan(evidence, missing, folder, executor)
    for rank, cohort in enumerate(plan["cohorts"]):
        if set(cohort) & set(missing):  # whatever the marks say: records may have been deleted
            (folder / "completions" / rank_name(rank)).unlink(missing_ok=True)
    cohorts = [[runs[run] for run in cohort] for cohort in plan["cohorts"]]
    step = TrainCohorts(evidence, cohorts, plan["parts"], records.absolute(), folder.absolute())
    run_steps(
        "swarm", [step], len(cohorts), folder, executor, progress, gpus=int(evidence.proxy.device == "cuda"),
        part_of=partial(_runs_of, plan["cohorts"]), note=note,
    )  # fmt: skip
    wait_until_listed(records / "runs" / f"{run}.parquet" for run in missing)


def swarm_logs(logs: Path, evidence: Evidence, candidates: Sequence[Candidate]) -> Path:
    """Where the ranks of these candidates keep their marks and logs."""
    return _logs(logs, [evidence.run_id(candidate) for candidate in candidates])


def _logs(logs: Path, runs: Iterable[str]) -> Path:
    return logs / short_hash("".join(runs))


def _runs_of(cohorts: Sequence[Sequence[str]], rank: int) -> str:
    """What a rank trains."""
    runs = cohorts[rank]
    return runs[0] + (f" and {len(runs) - 1} more" if len(runs) > 1 else "")


def training_order(runs: Mapping[str, Candidate]) -> list[str]:
    """The runs (id → candidate), those of mixes with several seeds first. From then on it is known how noisy scores
    are and which tasks tell mixes apart, so that scores so far can be judged as all of them will be."""
    seeds = Counter(candidate.mix for candidate in runs.values())
    return sorted(runs, key=lambda run: seeds[runs[run].mix] == 1)


def _check_start(evidence: Evidence) -> None:
    """See here, not on a rank, that proxies can start from `init_from`."""
    if evidence.proxy.init_from:
        from mixes.proxy.checkpoint import load_proxy

        vocabulary = Pool(evidence.pool).vocabulary
        load_proxy(Path(evidence.proxy.init_from), evidence.proxy, vocabulary)


def _decided(folder: Path) -> dict[str, int]:
    plan, limit = _planned(folder), largest_cohort(folder)
    decided = {name: plan[name] for name in ("cohort", "parts") if name in plan}
    return decided | ({"most": limit} if limit else {})


def _plan(evidence: Evidence, missing: Sequence[str], folder: Path, executor: ExecutorSettings) -> dict:
    """`cohort`, `parts` and the run ids of each of `cohorts`: decided when training begins, kept until all is done."""
    plan = _planned(folder)
    if set(missing) <= {run for cohort in plan.get("cohorts", []) for run in cohort}:
        return plan
    cohort, parts = _choose(evidence, executor)
    number = max(math.ceil(len(missing) / cohort), min(executor.workers or 1, len(missing)))
    ends = [len(missing) * i // number for i in range(number + 1)]  # as equal as can be
    cohorts = [list(missing[start:end]) for start, end in pairwise(ends)]
    plan = {"cohort": max(map(len, cohorts)), "parts": parts, "cohorts": cohorts}
    for mark in (folder / "completions").glob("*"):  # of ranks that were other cohorts
        mark.unlink()
    write_aside(folder / COHORTS, sealed_json(plan))
    return plan


def _planned(folder: Path) -> dict:
    """What was decided when training began; nothing where it has not begun, or where that is damaged."""
    try:
        return read_sealed_json(folder / COHORTS)
    except (FileNotFoundError, Damaged):
        return {}


def _choose(evidence: Evidence, executor: ExecutorSettings) -> tuple[int, int]:
    """Proxies of a cohort, and pieces of a batch: by the settings, else by the free memory of this machine's GPUs."""
    settings = evidence.proxy
    check_gpus(settings, executor)
    if settings.device == "cpu" or executor.kind != "local":
        return settings.cohort or 1, 1
    from mixes.proxy.device import free_memory

    vocabulary, free = Pool(evidence.pool).vocabulary, free_memory()
    return settings.cohort or choose_cohort(settings, vocabulary, free), choose_parts(settings, vocabulary, free)


def check_gpus(settings: ProxySettings, executor: ExecutorSettings) -> None:
    """See that proxies can train where the settings want them to.

    Raises:
        MixError: this machine has no torch or no GPU, or those of a cluster have to be measured from here.
    """
    executor = executor.at("swarm")
    if executor.kind == "local" and not is_torch_installed():
        raise MixError("proxies are trained with torch, which is not installed — run: pip install 'mixwright[train]'")
    if settings.device == "cpu":
        return
    if executor.kind != "local":
        if settings.cohort is None:
            raise MixError(
                f"proxy.cohort: the GPUs of {executor.kind} cannot be measured from here — say how many proxies "
                "train together (too many are halved)"
            )
        return
    from mixes.proxy.device import count_gpus

    count_gpus()


def _executor(evidence: Evidence, executor: ExecutorSettings) -> ExecutorSettings:
    """On this machine's GPUs one rank per GPU, not one per core."""
    if evidence.proxy.device == "cpu" or executor.kind != "local":
        return executor
    from mixes.proxy.device import count_gpus

    gpus = count_gpus()
    return executor.model_copy(update={"workers": min(executor.workers or gpus, gpus)})
