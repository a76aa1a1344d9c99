"""A thousand of our tasks, from many processes at once, on Prefect's two databases: failures and seconds.

    .venv/bin/python benchmarks/prefect_server.py            # 8 processes; SQLite, then PostgreSQL (Debian's package)
    .venv/bin/python benchmarks/prefect_server.py --processes 16 --tasks 2000

Every process is a flow that runs its share of the tasks as flows/orchestration.py runs stages. What counts is what the
server has in the end: a task that was done and is not recorded is lost.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.server import Server, why_silent

ROOT = Path(__file__).parent.parent
SETTLES = 20  # seconds
PORT, DATABASE_PORT = 14_322, 15_432
BIN = "/usr/lib/postgresql"
WORK = """
import sys
from flows.orchestration import flow, is_lost, run_task

@flow("load")
def load(count):
    for number in range(count):
        run_task(f"task {number}", lambda: None)

load(int(sys.argv[1]))
print("lost" if is_lost() else "recorded")
"""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server on loopback; yields its address as Prefect takes it."""
    programs = max(Path(BIN).glob("*/bin"), key=lambda found: int(found.parent.name))
    data = folder / "data"
    shutil.chown(folder, "postgres") if os.getuid() == 0 else None
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run(
        [*user, programs / "initdb", "-D", data, "-U", "prefect", "-A", "trust"], check=True, stdout=subprocess.DEVNULL
    )
    options = ["-p", str(DATABASE_PORT), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
    process = subprocess.Popen([*user, programs / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL)
    try:
        ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(DATABASE_PORT)]
        while subprocess.run(ready, check=False, stdout=subprocess.DEVNULL).returncode:
            time.sleep(0.2)
        create = ["createdb", "-h", "127.0.0.1", "-p", str(DATABASE_PORT), "-U", "prefect", "prefect"]
        subprocess.run([programs / create[0], *create[1:]], check=True)
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{DATABASE_PORT}/prefect"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def prefect(home: Path, **env: str) -> Iterator[str]:
    """A Prefect server; yields its address."""
    address = f"http://127.0.0.1:{PORT}/api"
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(PORT), "--no-ui"],
        stdout=subprocess.DEVNULL, stderr=(home / "server.log").open("w"),
        env={**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **env},
    )  # fmt: skip
    try:
        while why_silent(Server(address, ""), patience=2):
            time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def counted(address: str, place: str, **wanted: object) -> int:
    """How many the server has."""
    request = urllib.request.Request(
        f"{address}/{place}/count", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    return int(urllib.request.urlopen(request, timeout=60).read())


def recorded(address: str) -> int:
    """Tasks that the server has as completed, once their number stands still: they come as events."""
    before, now = -1, 0
    while now != before:
        time.sleep(SETTLES)
        completed = {"state": {"type": {"any_": ["COMPLETED"]}}}
        before, now = now, counted(address, "task_runs", task_runs=completed)
    return now


def measure(address: str, processes: int, tasks: int, home: Path) -> list[str]:
    """One row of the table."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": address, "PREFECT_HOME": str(home / "client")}
    env |= {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL"}
    began = time.monotonic()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(tasks // processes)], env=env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(processes)
    ]  # fmt: skip
    ended = [process.communicate() for process in running]
    seconds = time.monotonic() - began
    failed = sum(process.returncode != 0 for process in running)
    lost = sum("lost" in out for out, _ in ended)
    done = recorded(address)
    locked = (home / "server.log").read_text().count("database is locked")
    return [f"{seconds:.0f}", str(failed), str(lost), f"{done} of {processes * (tasks // processes)}", str(locked)]


def main() -> None:
    """Both databases, one after the other."""
    options = argparse.ArgumentParser()
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--tasks", type=int, default=1_000)
    asked = options.parse_args()
    table = Table("database", "seconds", "processes that failed", "that lost the server", "tasks recorded", "locked")
    for name in ("SQLite", "PostgreSQL"):
        home = Path(tempfile.mkdtemp(prefix="prefect-"))
        home.chmod(0o755)
        if name == "SQLite":
            with prefect(home) as address:
                row = measure(address, asked.processes, asked.tasks, home)
        else:
            (home / "postgres").mkdir()
            with (
                postgres(home / "postgres") as database,
                prefect(home, PREFECT_SERVER_DATABASE_CONNECTION_URL=database) as address,
            ):
                row = measure(address, asked.processes, asked.tasks, home)
        print(name, row, flush=True)
        table.add_row(name, *row)
        shutil.rmtree(home, ignore_errors=True)
    Console().print(table)


if __name__ == "__main__":
    main()
