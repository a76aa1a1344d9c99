"""What happens when a run is killed, stopped, starved of disk or of its server, at random moments.

    .venv/bin/python benchmarks/drills.py FOLDER                 # ten times each; a folder that is made
    .venv/bin/python benchmarks/drills.py FOLDER --times 3 --only "SIGKILL, swarm"

Each drill starts from the same state of a small experiment, does harm at a random moment, looks whether anything
half-made can be seen, gives the same command again, and compares every byte of the stages and every score with those of
an undisturbed run. Needs the sample corpus; root for the small disks; the program faketime for the clock.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
STOPPED = 60  # seconds of SIGSTOP
LONGEST = 600  # seconds that a command may take
KINDS = ("scores", "mix_weights", "recommendation_weights")  # records that hold no times


@dataclass
class Drill:
    """One kind of harm."""

    name: str
    start: str  # state that it starts from: nothing, pool, swarm
    command: tuple[str, ...]
    harm: Callable[["Place", subprocess.Popen], None]
    ends: tuple[int, ...]  # exit codes that are right for the disturbed run
    env: dict[str, str] = field(default_factory=dict)
    again: tuple[str, ...] = ()  # what precedes the second command
    setting: Callable[["Place"], contextlib.AbstractContextManager] = lambda place: contextlib.nullcontext()


@dataclass
class Place:
    """A copy of the experiment in which one drill happens."""

    folder: Path
    seconds: float  # that the command takes undisturbed

    @property
    def work(self) -> Path:
        """Its work folder."""
        return self.folder / "work"


def start(folder: Path, words: tuple[str, ...], before: tuple[str, ...] = (), **env: str) -> subprocess.Popen:
    """The command, in a session of its own."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "flows.cli", *words], cwd=folder, start_new_session=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def digest(work: Path) -> dict[str, str]:
    """Every byte of finished stages, without logs, and the records that hold no times."""
    files = {}
    for file in sorted((work / "stages").rglob("*")):
        parts = file.relative_to(work).parts
        hidden = any(part.startswith(".") for part in parts)
        if file.is_file() and not hidden and "logs" not in parts and file.name != "hashes.json":
            files["/".join(parts)] = hashlib.sha256(file.read_bytes()).hexdigest()
    for kind in KINDS:
        for file in sorted((work / "records" / kind).rglob("*.parquet")):
            files[f"{kind}/{file.stem[-12:]}"] = str(pl.read_parquet(file).hash_rows().sum())
    return files


def half_made(work: Path) -> list[str]:
    """What a reader could see that is not whole."""
    seen = [
        str(folder)
        for folder in (work / "stages").glob("[!.]*")
        if folder.is_dir() and not (folder / "stage.json").is_file()
    ]
    for file in (work / "records").rglob("[!.]*.parquet"):
        try:
            pl.read_parquet(file)
        except Exception as error:
            seen.append(f"{file}: {error}")
    if (work / "catalog.duckdb").exists():
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", "sql", "--catalog", str(work / "catalog.duckdb"), "from meta"],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seen += [done.stderr] if done.returncode else []
    return seen


def at_random(place: Place, process: subprocess.Popen) -> None:
    """Wait for a random share of the command's time, or its end."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(random.uniform(0.02, 0.98) * place.seconds)


def sending(number: int, group: bool) -> Callable[[Place, subprocess.Popen], None]:
    """Send a signal to the driver alone, or to all of its processes."""

    def harm(place: Place, process: subprocess.Popen) -> None:
        at_random(place, process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number) if group else os.kill(process.pid, number)

    return harm


def killing_a_rank(place: Place, process: subprocess.Popen) -> None:
    """SIGKILL one of the driver's own processes."""
    deadline = time.monotonic() + place.seconds
    at_random(place, process)
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(psutil.Error):
            busy = [one for one in psutil.Process(process.pid).children(recursive=True) if one.cpu_times().user > 0.2]
            if busy:
                random.choice(busy).kill()
                return
        time.sleep(0.05)


def stopping(place: Place, process: subprocess.Popen) -> None:
    """SIGSTOP all of it for a minute."""
    at_random(place, process)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        os.killpg(process.pid, signal.SIGCONT)


def nothing(place: Place, process: subprocess.Popen) -> None:
    """The harm was done before."""


@contextlib.contextmanager
def small_disk(place: Place) -> Iterator[None]:
    """The work folder on a disk that is full after a random number of bytes; roomy when the block ends."""
    place.work.mkdir(exist_ok=True)
    held = sum(file.stat().st_size for file in place.work.rglob("*") if file.is_file()) // 1024
    place.work.rename(place.folder / "before")
    place.work.mkdir()
    size = held + random.randint(60, 4_000)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", place.work], check=True)
    subprocess.run(["cp", "-a", f"{place.folder}/before/.", place.work], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,size=2g", place.work], check=True)


@contextlib.contextmanager
def read_only(place: Place) -> Iterator[None]:
    """The records cannot be written."""
    records = place.work / "records"
    records.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", records, records], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", records], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", records], check=True)


class RestartedServer:
    """A Prefect server that is ended in mid-run and started again."""

    def __init__(self, home: Path, port: int = 14_321) -> None:
        self.home, self.port = home, port
        self.address = f"http://127.0.0.1:{port}/api"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Until it answers."""
        words = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port), "--no-ui"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "prefect", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PREFECT_HOME": str(self.home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        )  # fmt: skip
        from flows.server import Server, why_silent

        while why_silent(Server(self.address, ""), patience=2):
            time.sleep(0.3)

    def end(self) -> None:
        """At once."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def __call__(self, place: Place, process: subprocess.Popen) -> None:
        """End it at a random moment, and start it again after five seconds."""
        at_random(place, process)
        self.end()
        time.sleep(5)
        self.start()


def drills(server: RestartedServer) -> list[Drill]:
    """All kinds."""
    killed, prepare, run = (-signal.SIGKILL, 0), ("prepare", "experiment.yaml"), ("run", "experiment.yaml")
    recommend = ("recommend", "experiment.yaml", "--target", "code=1")
    made = [
        Drill("SIGKILL, prepare", "nothing", prepare, sending(signal.SIGKILL, group=False), killed),
        Drill("SIGKILL, swarm", "pool", run, sending(signal.SIGKILL, group=False), killed),
        Drill("SIGKILL, catalog rebuilt", "swarm", recommend, sending(signal.SIGKILL, group=False), killed),
        Drill("SIGKILL of a rank", "nothing", prepare, killing_a_rank, (0, 1, 2)),
        Drill("SIGTERM", "nothing", run, sending(signal.SIGTERM, group=False), (128 + signal.SIGTERM, 0)),
        Drill("SIGSTOP for a minute", "nothing", run, stopping, (0,)),
        Drill("disk full", "nothing", run, nothing, (0, 1), setting=small_disk),
        Drill("read-only records", "swarm", recommend, nothing, (0,), setting=read_only),
        Drill("server restarted", "pool", run, server, (0,), env={"PREFECT_API_URL": server.address}),
    ]
    if shutil.which("faketime"):
        back = ("faketime", "-f", "-26h")
        made.append(
            Drill("killed, clock set back", "pool", run, sending(signal.SIGKILL, group=True), killed, again=back)
        )
    return made


def happen(drill: Drill, place: Place, right: dict[str, str]) -> tuple[list[str], float]:
    """Do it once; what was wrong, and the seconds of the second command."""
    with drill.setting(place):
        process = start(place.folder, drill.command, **drill.env)
        drill.harm(place, process)
        said = process.communicate(timeout=LONGEST)[1]
    wrong = [] if process.returncode in drill.ends else [f"exit code {process.returncode}: {said[-300:]}"]
    wrong += ["a traceback"] if "Traceback" in said else []
    wrong += half_made(place.work)
    began = time.monotonic()
    again = start(place.folder, drill.command, drill.again, **drill.env)
    said = again.communicate(timeout=LONGEST)[1]
    seconds = time.monotonic() - began
    wrong += [f"given again, exit code {again.returncode}: {said[-300:]}"] if again.returncode else []
    now = digest(place.work)
    wrong += [
        f"not the same: {name}" for name in sorted(right.keys() | now.keys()) if right.get(name) != now.get(name)
    ][:3]
    if os.path.ismount(place.work):
        subprocess.run(["umount", "-l", place.work], check=True)
    return wrong, seconds


def states(folder: Path) -> tuple[dict[str, Path], dict[tuple[str, ...], tuple[float, dict[str, str]]]]:
    """State → experiment in it; (state, command …) → seconds undisturbed, and the bytes that it gives."""
    from small_sample import write_experiment

    places = {"nothing": folder / "nothing"}
    places["nothing"].mkdir(parents=True)
    write_experiment(places["nothing"])
    for name, before, words in (("pool", "nothing", "prepare"), ("swarm", "pool", "run")):
        places[name] = Path(shutil.copytree(places[before], folder / name))
        done = start(places[name], (words, "experiment.yaml"))
        done.communicate(timeout=LONGEST)
        assert done.returncode == 0
    return places, {}


def main() -> None:
    """Run the drills and print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--times", type=int, default=10)
    options.add_argument("--only", default="", help="drills whose names hold this")
    options.add_argument("--without", default="no drill's name", help="and not this")
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    random.seed(asked.seed)
    places, known = states(asked.folder)
    server = RestartedServer(asked.folder / "server")
    table = Table("drill", "times", "survived", "median s to recover", "undisturbed s", "what was wrong")
    for drill in (one for one in drills(server) if asked.only in one.name and asked.without not in one.name):
        if drill.env:
            server.start()
        key = (drill.start, *drill.command)
        if key not in known:
            whole = Path(shutil.copytree(places[drill.start], asked.folder / "undisturbed"))
            began = time.monotonic()
            start(whole, drill.command).communicate(timeout=LONGEST)
            known[key] = time.monotonic() - began, digest(whole / "work")
            shutil.rmtree(whole)
        seconds, right = known[key]
        outcomes = []
        for _ in range(asked.times):
            place = Place(Path(shutil.copytree(places[drill.start], asked.folder / "drill")), seconds)
            outcomes.append(happen(drill, place, right))
            shutil.rmtree(place.folder)
        if drill.env:
            server.end()
        wrong = [line for lines, _ in outcomes for line in lines]
        survived = sum(not lines for lines, _ in outcomes)
        recovered = statistics.median(seconds for _, seconds in outcomes)
        row = [
            drill.name,
            str(asked.times),
            str(survived),
            f"{recovered:.1f}",
            f"{seconds:.1f}",
            "; ".join(wrong)[:600],
        ]
        table.add_row(*row)
        print(json.dumps(row), flush=True)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
