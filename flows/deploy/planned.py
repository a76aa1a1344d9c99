"""What an experiment has deployed: one deployment a flow, as data, from which the server or a prefect.yaml is told."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.experiment import Experiment
from flows.sections.deploy import FLOWS, DeploySettings, Schedule
from mixes.hashes import short_hash

ENTRIES = "flows.deploy.entries"
VOLUME = "experiment"
TAG = "mixwright: "  # begins the tag of an experiment's runs
SIGN_OF_LIFE = 30  # seconds; the least that Prefect takes
ABOUT = {
    "prepare-corpus": "Shards to pool. Finished work is skipped.",
    "train-swarm": "Pool to scores; shards to pool first, where they have changed.",
    "recommend-mix": "Scores to a recommended mix, for any target and budget.",
    "optimise-blend": "Shards to a recommended mix: all three flows. Finished work is skipped.",
    "refresh": "Looks at the sources, and says whether the standing recommendation should be kept or changed.",
}


@dataclass(frozen=True)
class Planned:
    """One deployment."""

    flow: str
    name: str
    schedule: Schedule | None
    keeps_schedule: bool  # that of the server, where it has one
    parameters: dict[str, Any]
    tags: tuple[str, ...]
    pool: str
    runs_at_once: int
    job: dict[str, Any]  # Prefect's job variables

    @property
    def entrypoint(self) -> str:
        """Where a worker finds the flow."""
        return f"{ENTRIES}.{self.flow.replace('-', '_')}"

    @property
    def about(self) -> str:
        """What the page says of it."""
        return ABOUT[self.flow]


def planned(experiment: Experiment, file: Path, settings: DeploySettings, only: str | None = None) -> list[Planned]:
    """The deployments of an experiment file, in the order of the process; only: the flow whose schedule is meant, while
    others keep theirs."""
    name = deployment_name(experiment.name, file)
    job = job_variables(settings, experiment.base)
    return [
        Planned(
            flow=flow,
            name=name,
            schedule=settings.schedules.get(flow),
            keeps_schedule=only not in (None, flow),
            parameters={"experiment": str(file.resolve())},
            tags=("mixwright", TAG + name),
            pool=settings.pool,
            runs_at_once=settings.runs_at_once,
            job=job,
        )
        for flow in FLOWS
    ]


def deployment_name(label: str, experiment: Path) -> str:
    """The experiment's label, and a hash of where its file lies: another folder's experiment.yaml has another name."""
    readable = re.sub(r"[^A-Za-z0-9._ -]", "-", label)[:60]
    return f"{readable}-{short_hash(str(experiment.resolve()))[:8]}"


def job_variables(settings: DeploySettings, folder: Path) -> dict[str, Any]:
    """What a run is given by its work pool, in the words of that kind of pool; folder: the experiment file's."""
    env = {
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(SIGN_OF_LIFE),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        **settings.env,
    }
    return {"env": env, **JOBS[settings.kind](settings, folder)}


def _process(settings: DeploySettings, folder: Path) -> dict[str, Any]:
    return {"working_dir": str(folder)}


def _docker(settings: DeploySettings, folder: Path) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if settings.cpus:
        more["nano_cpus"] = settings.cpus * 10**9
    if settings.gpus:
        more["device_requests"] = [{"Driver": "nvidia", "Count": settings.gpus, "Capabilities": [["gpu"]]}]
    given = {
        "image": settings.image,
        "image_pull_policy": "IfNotPresent",
        "volumes": [f"{folder}:{folder}"],
        "auto_remove": True,
        "mem_limit": f"{settings.memory_gb}g" if settings.memory_gb else None,
        "container_create_kwargs": more or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _kubernetes(settings: DeploySettings, folder: Path) -> dict[str, Any]:
    cpus = str(settings.cpus) if settings.cpus else None
    memory = f"{settings.memory_gb}Gi" if settings.memory_gb else None
    given = {
        "image": settings.image,
        "namespace": settings.namespace,
        "cpu_request": cpus,
        "memory_request": memory,
        "memory_limit": memory,
        "gpus": settings.gpus,
        "volumes": [{"name": VOLUME, "persistentVolumeClaim": {"claimName": settings.claim}}]
        if settings.claim
        else None,
        "volume_mounts": [{"name": VOLUME, "mountPath": str(folder)}] if settings.claim else None,
        "finished_job_ttl": 3600,
    }
    return {name: value for name, value in given.items() if value is not None}


def _slurm(settings: DeploySettings, folder: Path) -> dict[str, Any]:
    hours = -(-settings.timeout_hours // 1) if settings.timeout_hours else None
    given = {
        "cpu": settings.cpus,
        "memory": settings.memory_gb,
        "partition": settings.partition,
        "time_limit": int(hours) if hours else None,
        "source_files": [settings.activate],
        "working_dir": str(folder),
    }
    return {name: value for name, value in given.items() if value is not None}


JOBS = {"process": _process, "docker": _docker, "kubernetes": _kubernetes, "slurm": _slurm}
