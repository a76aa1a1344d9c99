"""Lanes by folder, and the costly fixtures, which pytest's workers make once for all of them."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from support import ROOT, SAMPLE, mixwright

if "PYTEST_XDIST_WORKER" in os.environ:  # a core is a worker's: threads of two would stand in each other's way
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

LANES = (
    "cluster",
    "cli",
    "sample",
    "coverage",
    "gpu",
    "trainers",
)  # in the order in which they run, after tests without a mark


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its folder's lane; tests without one come first."""
    folder = Path(__file__).parent
    lanes = {item: item.path.relative_to(folder).parts[0] for item in items}
    for item, lane in lanes.items():
        if lane in LANES:
            item.add_marker(lane)
    items.sort(key=lambda item: LANES.index(lanes[item]) if lanes[item] in LANES else -1)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no names: some differ between workers by the second in which they were packed."""
    return argname if isinstance(val, bytes) and len(val) > 20 else None


@pytest.fixture(scope="session", autouse=True)
def quiet_prefect(tmp_path_factory):
    """A Prefect home of the tests' own."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that all of pytest's workers see."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker to ask for it makes, while the others wait."""
    folder = shared_folder(factory) / name
    finished = folder.with_name(f"{name}.made")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not finished.exists():
            assert SAMPLE.exists(), "no sample corpus: run `make sample` first (or `make test`, which does)"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            finished.touch()
    return folder


@pytest.fixture(scope="session")
def shards(tmp_path_factory) -> Path:
    """What `tiny` is a copy of."""
    from small_sample import write_experiment

    return made_once(tmp_path_factory, "shards", write_experiment)


@pytest.fixture(scope="session")
def whole_run(shards, tmp_path_factory) -> Path:
    """The tiny experiment run from shards to recommendation: its work folder, and the recommendation as JSON."""

    def make(folder: Path) -> None:
        shutil.copytree(shards, folder, dirs_exist_ok=True)
        (folder / "finished.json").write_text(mixwright("recommend", "experiment.yaml", "--json", folder=folder).stdout)

    return made_once(tmp_path_factory, "whole_run", make)


@pytest.fixture(scope="module")
def tiny(shards, tmp_path_factory) -> Path:
    """A folder with a small share of every source, a suite of three tasks, and `experiment.yaml`: a file's own."""
    return Path(shutil.copytree(shards, tmp_path_factory.mktemp("tiny"), dirs_exist_ok=True))


@pytest.fixture(scope="module")
def finished(tiny, whole_run) -> dict:
    """The recommendation of the tiny experiment, whose work is in `tiny` from now on."""
    shutil.copytree(whole_run / "work", tiny / "work", dirs_exist_ok=True)
    return json.loads((whole_run / "finished.json").read_text())


@pytest.fixture(scope="session")
def evidence(tmp_path_factory):
    """A pool of three real domains and a suite of three real tasks, as their stages leave them."""
    from cohorts import SETTINGS
    from small_sample import write_pool_and_suite

    from pipeline.train.setup import Evidence

    stages = made_once(tmp_path_factory, "evidence", write_pool_and_suite)
    return Evidence(stages / "pool", stages / "suite", SETTINGS)


@pytest.fixture(scope="module")
def base(tiny, tmp_path_factory) -> Path:
    """A folder with a real tokenizer, two shards of ids a source, their texts, and the tiny suite."""
    from tokenised import write_shards

    folder = tmp_path_factory.mktemp("tokens")
    write_shards(folder)
    shutil.copy(tiny / "suite.jsonl.zst", folder)
    return folder


@pytest.fixture
def web() -> Iterator:
    """A server of files on loopback."""
    from web import Server

    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture(scope="session")
def regmix() -> Path:
    """RegMix's public swarm (github.com/sail-sg/regmix, data/), where it is there."""
    folder = Path(os.environ.get("MIXWRIGHT_REGMIX", ROOT.parent / "shared" / "swarms" / "regmix"))
    if not folder.exists():
        pytest.skip("no RegMix swarm: set MIXWRIGHT_REGMIX to a clone's data/ folder")
    return folder
