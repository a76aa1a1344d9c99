"""docs/python.md and the notebook run as they are."""

import contextlib
import io
import re
import subprocess
import sys

import pytest
from support import ROOT

pytestmark = pytest.mark.cli
BLOCK = re.compile(r"(<!-- not run here[^\n]*-->\n)?```python\n(.*?)```\n(?:```text\n(.*?)```)?", re.DOTALL)


def test_python_md_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / "docs" / "python.md").read_text())
    assert len(blocks) >= 9
    names: dict[str, object] = {}
    for skipped, code, printed in blocks:
        if skipped:
            continue
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "docs/python.md", "exec"), names)  # the page's own code
        assert out.getvalue() == printed, code
    assert (tmp_path / "mix.html").stat().st_size > 1000


def test_the_notebook_runs():
    pytest.importorskip("marimo")
    ended = subprocess.run([sys.executable, "docs/notebook.py"], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stderr[-2000:]
