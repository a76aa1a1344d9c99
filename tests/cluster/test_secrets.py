"""Secrets of addresses in what goes to a cluster or a server: once the work has ended, they are kept nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from asking import asked
from rank_steps import Step
from real_clusters import PATHS, SLURM
from support import ROOT

from pipeline.errors import RanksFailed
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings

PASSWORD, SIGNATURE = "pLanted-pw-73", "pLanted5ignature"
ADDRESS = f"https://ann:{PASSWORD}@host/a.gz?X-Amz-Signature={SIGNATURE}"
FAIL = """
import sys
from flows.orchestration import flow, publish, run_task

def work():
    raise OSError(f"cannot open {sys.argv[1]}")

@flow("leaking")
def leaking():
    publish("leaking", sys.argv[1], sys.argv[1])
    try:
        run_task("reads", work)
    except OSError as error:
        assert sys.argv[1] in str(error)  # as it was raised
        raise ValueError("it failed") from error

leaking()
"""


class Opening(Step):
    """Holds an address, and fails in rank 1 with it in the message."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = ADDRESS

    def work(self, rank: int, world_size: int) -> None:
        pickled = self.folder / "logs" / "executor.pik"
        mode = oct(pickled.stat().st_mode)[-3:] if pickled.exists() else "none"
        (self.folder / f"mode-{rank}").write_text(mode)
        if rank:
            raise OSError(f"cannot open {self.address}")


@pytest.mark.parametrize("kind", ["local", "slurm", "ray"])
def test_a_failed_rank_leaves_no_secret(tmp_path, request, monkeypatch, kind):
    if kind == "slurm":
        request.getfixturevalue("nodes")
    settings = {"local": {"kind": "local"}, "slurm": SLURM, "ray": {"kind": "ray", "workers": 2}}[kind]
    if kind == "ray":
        settings["address"] = request.getfixturevalue("head")
    monkeypatch.setenv("PYTHONPATH", PATHS)
    with pytest.raises(RanksFailed, match="cannot open https://") as raised:
        run_steps("filter", [Opening(tmp_path)], 2, tmp_path / "logs", ExecutorSettings(**settings, retries=0))
    assert (tmp_path / "mode-0").read_text() == ("600" if kind == "slurm" else "none")
    log = (tmp_path / "logs" / "logs" / "task_00001.log").read_text()
    assert "cannot open https://***@host/a.gz?X-Amz-Signature=***" in log
    written = [str(raised.value), *(file.read_bytes().decode(errors="replace") for file in files(tmp_path))]
    assert not [text for text in written if PASSWORD in text or SIGNATURE in text]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "ray.log" not in path.name]


def test_a_server_is_told_no_secret(server, tmp_path):
    subprocess.run(
        [sys.executable, "-c", FAIL, ADDRESS], cwd=tmp_path, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server},
    )  # fmt: skip
    said = {what: str(asked(f"{server}/{what}/filter", {})) for what in ("logs", "artifacts", "flow_runs", "task_runs")}
    assert "cannot open https://***@host/a.gz?X-Amz-Signature=***" in said["logs"]
    assert "https://***@host" in said["artifacts"]
    assert "it failed" in said["flow_runs"]
    assert not [text for text in said.values() if PASSWORD in text or SIGNATURE in text]
