"""Jobs of Docker, Kubernetes and Slurm, as the packages of their workers read them: nothing here runs them."""

import asyncio
import copy
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.deploy.planned import job_variables
from flows.deploy.pools import with_kubernetes_extras
from flows.sections.deploy import DeploySettings

FOLDER = Path("/data/mix")


@pytest.fixture(autouse=True)
def _named(server):
    """Templates look for blocks of Prefect on a server."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server}):
        yield


def template(worker):
    return copy.deepcopy(worker.get_default_base_job_template())


def configured(configuration, base, settings):
    """The job as the worker's own package reads it."""
    known = base["variables"]["properties"]
    given = job_variables(settings, FOLDER)
    assert given.keys() <= known.keys(), given.keys() - known.keys()
    made = configuration.from_template_and_values(base_job_template=base, values=given)
    job = asyncio.run(made)
    job.prepare_for_flow_run(FlowRun(flow_id=uuid4(), name="a run"))
    return job


def test_a_docker_job():
    from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration

    settings = DeploySettings(kind="docker", image="mixwright:1", cpus=4, memory_gb=16, gpus=2)
    job = configured(DockerWorkerJobConfiguration, template(DockerWorker), settings)
    assert (job.image, job.mem_limit, job.volumes) == ("mixwright:1", "16g", ["/data/mix:/data/mix"])
    assert job.container_create_kwargs["nano_cpus"] == 4 * 10**9
    from docker.types import HostConfig

    host = HostConfig(version="1.44", **job.container_create_kwargs, mem_limit=job.mem_limit)
    assert host["DeviceRequests"][0]["Count"] == 2
    assert job.env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"


def test_a_kubernetes_job():
    from kubernetes_asyncio.client import ApiClient, V1Job
    from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

    settings = DeploySettings(
        kind="kubernetes", image="mixwright:1", cpus=4, memory_gb=16, gpus=2, namespace="nlp", claim="mixes"
    )
    base = with_kubernetes_extras(template(KubernetesWorker))
    job = configured(KubernetesWorkerJobConfiguration, base, settings)
    pod = job.job_manifest["spec"]["template"]["spec"]
    limits = pod["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == 2
    assert limits["memory"] == "16Gi"
    assert pod["containers"][0]["resources"]["requests"] == {"cpu": "4", "memory": "16Gi"}
    assert pod["volumes"] == [{"name": "experiment", "persistentVolumeClaim": {"claimName": "mixes"}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "experiment", "mountPath": "/data/mix"}]
    assert job.job_manifest["metadata"]["namespace"] == "nlp"

    async def read():
        client = ApiClient()
        try:  # the client's own models refuse what is no Job
            return client._ApiClient__deserialize(job.job_manifest, V1Job)
        finally:
            await client.close()

    read_back = asyncio.run(read())
    assert read_back.spec.template.spec.containers[0].volume_mounts[0].mount_path == "/data/mix"


def test_without_gpus_and_volumes_a_kubernetes_job_names_none():
    from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

    base = with_kubernetes_extras(template(KubernetesWorker))
    job = configured(KubernetesWorkerJobConfiguration, base, DeploySettings(kind="kubernetes", image="mixwright:1"))
    pod = job.job_manifest["spec"]["template"]["spec"]
    assert not pod.get("volumes")
    assert "nvidia.com/gpu" not in pod["containers"][0].get("resources", {}).get("limits", {})


def test_a_slurm_job():
    from prefect_slurm.worker import SlurmWorker, SlurmWorkerConfiguration

    settings = DeploySettings(
        kind="slurm", cpus=4, memory_gb=16, partition="cpu", activate="/venv/bin/activate", timeout_hours=1.5
    )
    job = configured(SlurmWorkerConfiguration, template(SlurmWorker), settings)
    assert (job.cpu, job.memory, job.partition, job.time_limit) == (4, 16, "cpu", 2)
    assert str(job.working_dir) == "/data/mix"
    assert [str(file) for file in job.source_files] == ["/venv/bin/activate"]
