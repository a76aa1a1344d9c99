"""A Prefect server records the work and never decides over it: one that falls silent costs a line, not the run."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support import ROOT, start_server

DRILL = """
import json, os, signal, sys
from flows import orchestration
from flows.errors import ExperimentError

pid, when = int(sys.argv[1]), sys.argv[2]
done = []

def end(place):
    if place == when:
        os.kill(pid, signal.SIGKILL)

def step(name):
    done.append(name)
    end(f"in task {name}")
    return name

@orchestration.flow("drill")
def whole(start):
    results = [start, orchestration.run_task("one", lambda: step("first"))]
    end("between tasks")
    results.append(orchestration.run_task("two", lambda: step("second")))
    orchestration.publish("drill", "# done", "a drill")
    end("in the flow")
    return results

@orchestration.flow("mistaken")
def mistaken():
    done.append("mistaken")
    raise ExperimentError("a mistake of the work")

result = whole("begun")
again = whole("again") if orchestration.is_lost() else None
try:
    mistaken()
except ExperimentError as error:
    done.append(str(error))
print(json.dumps([result, again, done, orchestration.is_lost()]), flush=True)
os._exit(0)
"""
STEPS = ["first", "second"]
MISTAKE = ["mistaken", "a mistake of the work"]


def drill(address: str, pid: int, when: str) -> tuple[list, list[str]]:
    """What the drill returned, and the lines that it wrote of the server."""
    done = subprocess.run(
        [sys.executable, "-c", DRILL, str(pid), when], cwd=ROOT, timeout=300, check=True, capture_output=True,
        text=True,
        env={**os.environ, "PREFECT_API_URL": address, "PREFECT_LOGGING_LEVEL": "CRITICAL",
             "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL"},
    )  # fmt: skip
    return json.loads(done.stdout), [line for line in done.stderr.splitlines() if "does not answer" in line]


@pytest.mark.parametrize("when", ["in task second", "in the flow"])
def test_a_server_that_stops_in_mid_flow(when, tmp_path):
    running = start_server()
    try:
        returned, lines = drill(running["api"], running["pid"], when)
    finally:
        os.waitpid(running["pid"], 0)
    # Nothing runs twice, and a second flow runs without the server.
    assert returned == [["begun", *STEPS], ["again", *STEPS], [*STEPS, *STEPS, *MISTAKE], True]
    assert len(lines) == 1
    assert "the work goes on and is not recorded there" in lines[0]


def test_a_mistake_of_the_work_is_not_taken_for_the_servers(server):
    assert drill(server, 0, "never") == ([["begun", *STEPS], None, [*STEPS, *MISTAKE], False], [])


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on until it has seen the first task, and answers 503 from then on."""

    target = ""
    seen = 0
    patience = 0

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        Proxy.seen += "set_state" in self.path
        if Proxy.seen > Proxy.patience:
            return self._send(503, b"")
        headers = {"Content-Type": self.headers.get("Content-Type") or "application/json"}
        request = urllib.request.Request(Proxy.target + self.path, body, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self._send(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            self._send(error.code, error.read())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("patience", [0, 1])  # states of the flow that are taken before
def test_a_server_that_begins_to_answer_503(server, patience):
    Proxy.target, Proxy.seen, Proxy.patience = server.removesuffix("/api"), 0, patience
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        returned, lines = drill(f"http://127.0.0.1:{proxy.server_port}/api", 0, "never")
    finally:
        proxy.shutdown()
    assert returned == [["begun", *STEPS], ["again", *STEPS], [*STEPS, *STEPS, *MISTAKE], True]
    assert len(lines) == 1
