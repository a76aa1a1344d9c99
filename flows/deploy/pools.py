"""Prefect's work pools: made where they are not there. Prefect's own template of a job is kept, with what it lacks."""

import copy
from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError
from flows.sections.deploy import DEFAULT_POOL, DeploySettings
from mixes.errors import did_you_mean

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

PACKAGES = {"docker": "prefect-docker", "kubernetes": "prefect-kubernetes", "slurm": "prefect-slurm"}
KUBERNETES_LACKS = {  # variables, with their JSON schemas
    "gpus": {"title": "GPUs", "description": "NVIDIA GPUs of the job.", "type": "integer"},
    "volumes": {"title": "Volumes", "description": "Volumes of the pod.", "type": "array"},
    "volume_mounts": {"title": "Volume mounts", "description": "Where the job sees them.", "type": "array"},
}


def ensure_pool(client: "SyncPrefectClient", settings: DeploySettings) -> bool:
    """Make the work pool where it is not there; returns whether it was made.

    One of another name than the default is made only where its kind is stated: the name may be a slip.

    Raises:
        ExperimentError: there is no such pool, or it is of another kind.
    """
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound

    try:
        pool = client.read_work_pool(settings.pool)
    except ObjectNotFound:
        if settings.pool != DEFAULT_POOL and "kind" not in settings.model_fields_set:
            raise ExperimentError(
                f"deploy.pool: the server has no work pool {settings.pool!r} — "
                f"{did_you_mean(settings.pool, _names(client))}, or state deploy.kind to have it made"
            ) from None
        template = base_job_template(client, settings.kind)
        client.create_work_pool(
            WorkPoolCreate(
                name=settings.pool,
                type=settings.kind,
                base_job_template=template,
                description="Runs of mixwright's flows",
            )
        )
        return True
    if pool.type != settings.kind:
        raise ExperimentError(
            f"deploy.pool: {settings.pool!r} is of kind {pool.type}, and deploy.kind is {settings.kind} — set "
            f"kind: {pool.type}, or name another pool"
        )
    return False


def _names(client: "SyncPrefectClient") -> list[str]:
    return sorted(pool.name for pool in client.read_work_pools()) or ["none yet"]


def base_job_template(client: "SyncPrefectClient", kind: str) -> dict[str, Any]:
    """The template of a kind's jobs. Empty where the server does not know the kind: its worker brings its own."""
    known = {
        name: worker["default_base_job_configuration"]
        for package in client.read_worker_metadata().values()
        for name, worker in package.items()
    }
    template = copy.deepcopy(known.get(kind, {}))
    return with_kubernetes_extras(template) if kind == "kubernetes" else template


def with_kubernetes_extras(template: dict[str, Any]) -> dict[str, Any]:
    """The template of a Kubernetes job with GPUs and volumes."""
    template["variables"]["properties"].update(KUBERNETES_LACKS)
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    pod["volumes"] = "{{ volumes }}"
    container = pod["containers"][0]
    container["volumeMounts"] = "{{ volume_mounts }}"
    container.setdefault("resources", {}).setdefault("limits", {})["nvidia.com/gpu"] = "{{ gpus }}"
    return template
