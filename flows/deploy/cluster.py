"""Server, work pool and worker on this machine's loopback, for a newcomer to click: `make cluster`.

    python -m flows.deploy.cluster experiments/sample.yaml

Nothing outlives it: Ctrl-C or SIGTERM ends worker and server. What they recorded stays in build/prefect.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from flows.server import VARIABLE, Server, why_silent

HOST, PORT = "127.0.0.1", 4200
PATIENCE = 90  # seconds until the server must answer; its first start makes a database
GRACE = 15  # seconds to end after SIGTERM; a worker may take a minute over it
HOME = Path("build/prefect")


@contextmanager
def running(name: str, *words: str) -> Iterator[subprocess.Popen]:
    """A program of Prefect's, which ends with the block."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / f"{name}.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "prefect", *words], stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + PATIENCE
    while reason := why_silent(Server(address, ""), patience=2):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"cluster: the server does not start ({reason}) — see {HOME}/server.log")
        time.sleep(0.3)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends all as Ctrl-C does."""
    raise KeyboardInterrupt


def main(experiment: Path, port: int = PORT) -> None:
    """Start all, deploy the experiment, and wait for Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupted)
    address = f"http://{HOST}:{port}/api"
    if why_silent(Server(address, ""), patience=2) is None:
        sys.exit(f"cluster: something answers at {address} already — end it, or give another port")
    os.environ |= {VARIABLE: address, "PREFECT_HOME": str(HOME.absolute()), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    with ExitStack() as stack:
        server = stack.enter_context(running("server", "server", "start", "--host", HOST, "--port", str(port)))
        wait_for(address, server)
        subprocess.run([sys.executable, "-m", "flows.cli", "deploy", str(experiment)], check=True)
        worker = stack.enter_context(running("worker", "worker", "start", "--pool", "mixwright", "--type", "process"))
        print(f"Open http://{HOST}:{port} — Deployments, optimise-blend, Run. Ctrl-C ends all.", flush=True)
        try:
            worker.wait()
            sys.exit(f"cluster: the worker ended — see {HOME}/worker.log")
        except KeyboardInterrupt:
            print("\nCluster ended.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else PORT)
