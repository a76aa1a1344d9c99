"""Without a named server Prefect is not imported; a server that is named must answer before any work begins."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from support import ROOT, mixwright

from flows import orchestration
from flows.errors import ExperimentError
from flows.server import Server, check_server, named_server


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A Prefect home without a profile, and no variable that names a server."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_PROFILE", raising=False)
    return tmp_path


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def answering(request):
    """The address of a server that answers every request with one status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()


def test_which_server_is_named(home, monkeypatch):
    assert named_server() is None
    profile = 'active = "far"\n[profiles.far]\nPREFECT_API_URL = "http://far/api"\n[profiles.near]\n'
    (home / "profiles.toml").write_text(profile)
    assert named_server() == Server("http://far/api", "run `prefect config unset PREFECT_API_URL`")
    monkeypatch.setenv("PREFECT_API_URL", "http://here/api")
    assert named_server() == Server("http://here/api", "unset PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert named_server() is None
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_PROFILE", "near")
    assert named_server() is None


@pytest.mark.parametrize("damaged", ["active =", "active = 3\nprofiles = 4", "\udcff"])
def test_a_damaged_profile_names_none(home, damaged):
    (home / "profiles.toml").write_bytes(damaged.encode(errors="surrogateescape"))
    assert named_server() is None


@pytest.mark.parametrize("answering", [200, 404, 401], indirect=True)
def test_a_server_that_answers(answering):
    check_server(Server(answering, ""))


@pytest.mark.parametrize("answering", [500, 503], indirect=True)
def test_a_server_with_an_error_of_its_own(answering):
    with pytest.raises(ExperimentError, match=r"no server answers at http\S+ \(HTTP 50[03]\) — .*: unset it$"):
        check_server(Server(answering, "unset it"))


@pytest.mark.parametrize("address", ["http://nowhere.invalid/api", "4200", "http://[/api"])
def test_an_address_that_leads_nowhere(address):
    with pytest.raises(ExperimentError, match="no server answers at"):
        check_server(Server(address, ""))


@pytest.mark.parametrize("answering", [200], indirect=True)
def test_a_server_that_answers_again_is_told_again(answering, home, monkeypatch, capsys):
    monkeypatch.setenv("PREFECT_API_URL", answering)
    asked_just_now = {answering: time.monotonic()}
    monkeypatch.setattr(orchestration, "_lost", asked_just_now)
    assert not orchestration._is_recording()
    asked_just_now[answering] -= orchestration.ASKED_AGAIN
    assert orchestration._is_recording()
    assert not orchestration.is_lost()
    assert capsys.readouterr().err.count("answers again") == 1


def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr("flows.server.PATIENCE", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ExperimentError, match="timed out"):
            check_server(Server(f"http://127.0.0.1:{silent.getsockname()[1]}/api", ""))


def test_a_named_server_is_asked_before_any_work(tiny, home):
    address = f"http://127.0.0.1:{closed_port()}/api"
    experiment = (tiny / "experiment.yaml").read_text().replace("work: work", "work: unserved")
    (tiny / "unserved.yaml").write_text(experiment)
    for command in ("prepare", "swarm", "recommend"):
        line = mixwright(command, "unserved.yaml", folder=tiny, expect=2, PREFECT_API_URL=address).stderr
        assert line.count("\n") == 1
        assert f"no server answers at {address} ([Errno 111] Connection refused)" in line
        assert line.endswith("or run without one: unset PREFECT_API_URL\n")
    assert not (tiny / "unserved").exists()


def test_without_a_server_prefect_is_not_imported(tiny, finished, home):
    code = (
        "import sys; from pathlib import Path; from flows.experiment import load_experiment; "
        "from flows.recommend import run_flow; print(run_flow(load_experiment(Path('experiment.yaml'))).id); "
        "print([name for name in ('prefect', 'datatrove', 'torch', 'loguru') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tiny, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [finished["id"], "[]"]
    assert not list(home.iterdir())  # nor a database of a server's


def test_the_same_recommendation_with_and_without(tiny, finished, home):
    assert json.loads(mixwright("recommend", "experiment.yaml", "--json", folder=tiny).stdout) == finished


def test_a_catalog_is_rebuilt_where_its_records_have_changed(tiny, finished, home):
    file = tiny / "work" / "catalog.duckdb"
    mixwright("recommend", "experiment.yaml", folder=tiny)
    before = file.stat().st_mtime_ns
    mixwright("recommend", "experiment.yaml", folder=tiny)
    assert file.stat().st_mtime_ns == before
    file.write_bytes(b"no catalog")
    mixwright("recommend", "experiment.yaml", folder=tiny)
    assert (
        finished["id"]
        in mixwright("sql", "experiment.yaml", "select recommendation from recommendations", folder=tiny).stdout
    )
