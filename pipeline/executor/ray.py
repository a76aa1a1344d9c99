"""Ranks as actors of a Ray cluster: one that is there, or one of this machine, on loopback, that ends with us.

Measured on two cores (Ray 2.60): a cluster of our own starts in 5 to 7 seconds, once a process, and a rank costs
2 seconds more than as a local process. A driver that is killed takes its own cluster with it.
"""

import importlib.util
import logging
import os
import socket
from contextlib import suppress
from functools import partial
from typing import Any

import datatrove.executor.ray as library
from datatrove.executor import RayPipelineExecutor
from datatrove.executor.base import PipelineExecutor

from mixes.proxy.malloc import MALLOC
from pipeline.errors import PipelineError
from pipeline.executor.failure import Failure, attempt, of_death, one_line, read_failure
from pipeline.executor.settings import ExecutorSettings
from pipeline.executor.work import Work, rank_log

STORE = 128 << 20  # bytes of our own cluster's object store, through which only the pickled steps go
REACHED = 10  # seconds within which a cluster must take a connection; Ray's own tries last minutes


def run_on_ray(work: Work, settings: ExecutorSettings, todo: list[int]) -> list[Failure]:
    """Run the ranks of `todo`, block, and return those that failed.

    Raises:
        PipelineError: Ray is not installed, no cluster is at the address, or its nodes cannot run a rank.
    """
    if importlib.util.find_spec("ray") is None:
        raise PipelineError("executor.kind: ray, and Ray is not installed — run `pip install ray`, or set kind: local")
    _connect(settings.address or os.environ.get("RAY_ADDRESS"))
    gpus = int(settings.gpus or work.gpus)
    cpus, memory = settings.takes(gpus)
    malloc = {name: os.environ[name] for name in MALLOC if name in os.environ}
    executor = _OnRay(
        list(work.steps),
        tasks=work.ranks,
        workers=min(settings.workers or _room(settings, gpus), len(todo)),
        cpus_per_task=cpus,
        mem_per_cpu_gb=memory,
        gpus_per_task=gpus,
        logging_dir=str(work.logs),
        ray_remote_kwargs={"runtime_env": {"env_vars": malloc}},
    )
    executor.work, executor.todo = work, todo
    deaths: dict[int, Exception] = {}
    library.RankWorker, library.RayTaskManager = _RankActor, partial(_Tasks, deaths)
    with suppress(FileNotFoundError):  # of the sum of statistics that it makes at the end, over ranks that are not done
        executor.run()
    unfinished = set(work.unfinished())
    return [_failure(work, rank, deaths) for rank in todo if rank in unfinished]


def _failure(work: Work, rank: int, deaths: dict[int, Exception]) -> Failure:
    """Why a rank did not finish: by its own record, else by what Ray says of its actor."""
    from ray.exceptions import RayTaskError

    if recorded := read_failure(work.logs, rank):
        return recorded
    death = deaths.get(rank)
    could_begin = not isinstance(death, RayTaskError)  # else its node has not what the steps need
    lines = [line for line in str(death).splitlines() if line.strip()] if death else ["it never began"]
    reason = f"{type(death).__name__}: {one_line(lines[0] if could_begin else lines[-1])}" if death else lines[0]
    return of_death(reason, could_begin, rank_log(work.logs, rank), work.logs, rank, work.part_of)


class _OnRay(RayPipelineExecutor):
    """datatrove's executor for some of the ranks, which write their logs where they belong.

    Its own way, by one folder below /tmp for all runs and users of a node, mixes up ranks of equal number.
    """

    work: Work
    todo: list[int]
    _run_for_rank = PipelineExecutor._run_for_rank

    def save_executor_as_json(self, indent: int = 4) -> None:
        """Nobody reads it."""

    def get_incomplete_ranks(self, ranks: Any = None, skip_completed: bool | None = None) -> list[int]:
        return super().get_incomplete_ranks(self.todo, skip_completed)


class _RankActor(library.RankWorker):
    """Runs a rank in the actor's own process. datatrove's runs it in a pool of one, which waits for ever where that
    process is killed."""

    def run_for_rank(
        self, executor_ref: _OnRay, ranks: list[int], node_ips: list[str], node_idx: int
    ) -> Failure | None:
        (rank,) = ranks
        work = executor_ref.work
        os.environ["RAY_NODELIST"], os.environ["RAY_NODEID"] = ",".join(node_ips), str(node_idx)
        return attempt(partial(executor_ref._run_for_rank, rank), work.logs, rank, work.part_of)


class _Tasks(library.RayTaskManager):
    """datatrove's bookkeeping, which keeps why an actor died. It runs nothing again: `retries` says how often."""

    def __init__(self, deaths: dict[int, Exception], *words: Any) -> None:
        super().__init__(*words)
        self.deaths = deaths

    def task_done(self, task: Any) -> tuple[bool, None]:
        import ray

        (rank,) = self.task_to_group[task].ranks
        finished = False
        try:
            finished = ray.get(task) is None
        except Exception as error:  # of Ray's own
            self.deaths[rank] = error
        return super().task_done(task)[0] and finished, None


def _connect(address: str | None) -> None:
    """To a cluster, which stays connected until this process ends: starting one takes seconds."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # read at import; all ports on loopback, as there
    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "include_dashboard": False}
    if ray.is_initialized():
        return
    if address:
        _join(address, quiet)
    else:
        ray.init("local", object_store_memory=STORE, **quiet)


def _join(address: str, quiet: dict) -> None:
    """Connect to a cluster that is there, and see that its nodes have this package: datatrove would wait for ever."""
    import ray
    from ray.exceptions import RayError

    try:
        host, _, port = address.rpartition(":")
        if host and port.isdigit():
            socket.create_connection((host.strip("[]"), int(port)), timeout=REACHED).close()
        ray.init(address, **quiet)
        ray.get(ray.remote(_imported).remote())
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"executor.address: no Ray cluster at {address!r} ({error}) — start one with `ray start --head`"
        ) from None
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        ray.shutdown()
        raise PipelineError(
            f"executor.address: the nodes of {address!r} cannot run our steps ({reason}) — install this version there"
        ) from None


def _imported() -> None:
    """Runs on a node, where this module must be found."""


def _room(settings: ExecutorSettings, gpus: int) -> int:
    """Ranks that fit on the cluster's nodes at once. More would wait in threads that outlive an interruption."""
    import ray

    cpus, memory = settings.takes(gpus)
    takes = {"CPU": cpus, "memory": cpus * memory << 30, "GPU": gpus}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(min(int(node.get(name, 0) // size) for name, size in takes.items() if size) for node in nodes)
    if not room:
        device = f" and {gpus} GPU" if gpus else ""
        raise PipelineError(
            f"executor: a rank takes {cpus} CPUs and {cpus * memory} GB{device}, and no node of the Ray cluster has as "
            "much — lower cpus_per_task or mem_per_cpu_gb, or set workers where nodes start on demand"
            + (", or proxy.device: cpu" if gpus else "")
        )
    return room
