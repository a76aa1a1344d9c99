"""Ranks as actors of a Ray cluster: one that is there, or one of this machine, on loopback, that ends with us.

Measured on two cores (Ray 2.60): a cluster of our own starts in 5 to 7 seconds, once a process, and a rank costs
2 seconds more than as a local process. A driver that is killed takes its own cluster with it.
"""

import importlib.util
import logging
import os
import socket
from pathlib import Path

from datatrove.executor import RayPipelineExecutor
from datatrove.executor.base import PipelineExecutor

from mixes.proxy.malloc import MALLOC
from pipeline.errors import PipelineError
from pipeline.executor.settings import ExecutorSettings
from pipeline.store.files import rank_name

STORE = 128 << 20  # bytes of our own cluster's object store, through which only the pickled steps go
REACHED = 10  # seconds within which a cluster must take a connection; Ray's own tries last minutes


def run_on_ray(steps: list, ranks: int, logs: Path, settings: ExecutorSettings, gpus: int) -> dict[int, Path]:
    """Run all ranks that are not completed, and block.

    Returns:
        The ranks that failed, each with its log.

    Raises:
        PipelineError: Ray is not installed, no cluster is at the address, or its nodes cannot run a rank.
    """
    if importlib.util.find_spec("ray") is None:
        raise PipelineError("executor.kind: ray, and Ray is not installed — run `pip install ray`, or set kind: local")
    _connect(settings.address or os.environ.get("RAY_ADDRESS"))
    cpus, memory = settings.takes(gpus)
    malloc = {name: os.environ[name] for name in MALLOC if name in os.environ}
    executor = _OnRay(
        steps,
        tasks=ranks,
        workers=min(settings.workers or _room(settings, gpus), ranks),
        cpus_per_task=cpus,
        mem_per_cpu_gb=memory,
        gpus_per_task=gpus,
        logging_dir=str(logs),
        ray_remote_kwargs={"runtime_env": {"env_vars": malloc}},
    )
    written = {rank: logs / "logs" / f"task_{rank_name(rank)}.log" for rank in executor.get_incomplete_ranks()}
    for log in written.values():
        log.unlink(missing_ok=True)  # of an earlier try
    executor.run()
    return {rank: written[rank] for rank in executor.get_incomplete_ranks()}


class _OnRay(RayPipelineExecutor):
    """datatrove's executor, whose ranks write their logs where they belong.

    Its own way, by one folder below /tmp for all runs and users of a node, mixes up ranks of equal number.
    """

    _run_for_rank = PipelineExecutor._run_for_rank


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
