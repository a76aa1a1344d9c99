"""A Slurm cluster of one node on loopback, from Debian's packages: for tests, and for looking at by hand.

`python tests/cluster/slurm_node.py COMMAND …` runs a command with `SLURM_CONF` set and ends the cluster after it.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

CPUS = 4  # declared, not counted: more than two ranks run at once on any machine
LONGEST_ARRAY = 4  # jobs; small, so that few ranks are more than one array
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")


def missing() -> list[str]:
    """Programs that are not installed; `make slurm` installs them on Debian."""
    return [name for name in PROGRAMS if not _program(name)]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextmanager
def slurm() -> Iterator[dict[str, str]]:
    """Yields the environment in which `sbatch` and its fellows talk to the cluster; ends all that it started."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)  # munged wants its socket's folder open to all, and closed to their writing
    try:
        with ExitStack() as running:
            running.enter_context(_daemon(folder, "munged", *_munge(folder)))
            _wait_for((folder / "munge.socket").exists, folder, "munged")
            config = folder / "slurm.conf"
            config.write_text(_config(folder))
            env = {"SLURM_CONF": str(config)}
            running.enter_context(_daemon(folder, "slurmctld", "-D", "-f", str(config)))
            running.enter_context(_daemon(folder, "slurmd", "-D", "-f", str(config)))
            _wait_for(lambda: _ask(env, "sinfo", "--noheader", "--format=%T") == "idle", folder, "slurmd")
            try:
                yield env
            finally:  # jobs outlive slurmd
                _ask(env, "scancel", "--me")
                _wait_for(lambda: not _ask(env, "squeue", "--noheader"), folder, "the end of all jobs")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _munge(folder: Path) -> list[str]:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    return ["--foreground", "--num-threads=2", *(f"--{name}={folder / file}" for name, file in files.items())]


def _config(folder: Path) -> str:
    """No accounting, no cgroups, no ports but two free ones of loopback's."""
    host = socket.gethostname().partition(".")[0]
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], two.getsockname()[1]
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    settings = {
        "ClusterName": "test",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": ports[0],
        "SlurmdPort": ports[1],
        "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
        "SlurmUser": user,
        "SlurmdUser": user,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder / 'munge.socket'}",
        "CredType": "cred/munge",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SwitchType": "switch/none",
        "MpiDefault": "none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_CPU",
        "SchedulerParameters": "sched_interval=1,batch_sched_delay=0,sched_min_interval=0",
        "SlurmdParameters": "config_overrides",  # the declared CPUs count
        "KillWait": 2,
        "MaxArraySize": LONGEST_ARRAY,
        "ReturnToService": 2,
        "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory=4096 State=UNKNOWN",
        "PartitionName": f"cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP",
    }
    for name in ("state", "spool"):
        (folder / name).mkdir()
    return "".join(f"{name}={value}\n" for name, value in settings.items())


@contextmanager
def _daemon(folder: Path, name: str, *words: str) -> Iterator[None]:
    """A program that runs in the foreground of this process, until the end of the `with`."""
    program = _program(name)
    assert program, f"{name} is not installed"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ask(env: dict[str, str], program: str, *words: str) -> str:
    """What one of Slurm's programs says."""
    return subprocess.run(
        [program, *words], env={**os.environ, **env}, capture_output=True, text=True, check=False
    ).stdout.strip()


def _wait_for(ready, folder: Path, name: str) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        said = "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in folder.glob("*.log"))
        assert time.monotonic() < deadline, f"no {name} after 30 seconds\n{said}"
        time.sleep(0.1)


if __name__ == "__main__":
    if missing():
        sys.exit(f"not installed: {', '.join(missing())} — run `make slurm`")
    with slurm() as env:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, **env}, check=False).returncode)
