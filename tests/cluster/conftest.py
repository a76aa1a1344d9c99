"""A Prefect server that no other test speaks to: what it counts is this folder's."""

import os
import signal
from collections.abc import Iterator

import pytest
from support import start_server


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """Its address."""
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running["api"]
    os.kill(running["pid"], signal.SIGTERM)
