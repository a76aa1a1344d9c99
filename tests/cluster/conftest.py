"""A Prefect server that no other test speaks to (what it counts is this folder's), a Slurm and a Ray cluster."""

import os
import signal
from collections.abc import Iterator

import pytest
from filtering import LOCAL, experiment, filtered
from real_clusters import ray_cluster, slurm_cluster
from support import start_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its address."""
    running = start_server()
    yield running["api"]
    os.kill(running["pid"], signal.SIGTERM)


@pytest.fixture(scope="module")
def nodes() -> Iterator[None]:
    """A Slurm cluster of one node."""
    with slurm_cluster():
        yield


@pytest.fixture
def head(tmp_path, monkeypatch) -> Iterator[str]:
    """The address of a Ray cluster on loopback."""
    with ray_cluster(tmp_path, monkeypatch) as address:
        yield address


@pytest.fixture(scope="module")
def truth(tiny, tmp_path_factory) -> dict[str, str]:
    """What one undisturbed worker makes of the stage `filter`."""
    return filtered(experiment(tiny, tmp_path_factory.mktemp("truth"), {**LOCAL, "workers": 1}))
