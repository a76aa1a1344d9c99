"""The pages of the guide and the README: their commands run, or say why not; their links lead somewhere."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
import yaml
from support import ROOT, mixwright

from flows.cli import app
from flows.experiment import Experiment
from mixes.tables.families import families_of

pytestmark = pytest.mark.cli
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run[^>]*-->\n)?^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
OURS = ("mixwright", "recommend-mix")


def commands(page: Path, *, run: bool | None = None) -> list[str]:
    """Lines of the page's command blocks; run: only those that are run, or only those that are not."""
    blocks = BLOCK.findall(page.read_text())
    return [line for skipped, block in blocks if run in (None, not skipped) for line in block.splitlines() if line]


def readme_commands() -> list[str]:
    text = "\n".join(re.findall(r"^```\n(.*?)^```", PAGES[0].read_text(), re.MULTILINE | re.DOTALL))
    return [line.split("  #")[0] for line in text.splitlines() if line.startswith(OURS)]


ALL = [(page, line) for page in PAGES for line in (readme_commands() if page is PAGES[0] else commands(page))]
RUN = [(page, line) for page in PAGES for line in commands(page, run=True)]


@pytest.mark.parametrize(("page", "line"), ALL, ids=lambda value: value.name if isinstance(value, Path) else value)
def test_every_command_has_options_that_exist(page, line):
    program, *words = shlex.split(line)
    assert program in OURS
    if program == "recommend-mix":
        words = ["recommend", *words]
    group = typer.main.get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    command.make_context(words[0], words[1:], resilient_parsing=False)


@pytest.fixture(scope="module")
def folder(tiny, finished, tmp_path_factory) -> Path:
    """A finished experiment as EXP.yaml, and a swarm in files."""
    folder = Path(shutil.copytree(tiny, tmp_path_factory.mktemp("guide"), dirs_exist_ok=True))
    (folder / "experiment.yaml").rename(folder / "EXP.yaml")
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(3, 2.0), size=24)
    ratios = pl.DataFrame({"run": [f"r{i}" for i in range(24)], "web": weights[:, 0], "code": weights[:, 1],
                           "health": weights[:, 2]})  # fmt: skip
    metrics = ratios.select("run", humaneval_bpb=2 - pl.col("code").sqrt(), arc_bpb=2 - pl.col("web").sqrt())
    ratios.write_csv(folder / "ratios.csv")
    metrics.write_csv(folder / "metrics.csv")
    pl.DataFrame({"domain": ["web", "code", "health"], "tokens": [4e12, 1e12, 1e12]}).write_csv(folder / "tokens.csv")
    (folder / "ours.yaml").write_text("web: 0.5\ncode: 0.3\nhealth: 0.2\n")
    (folder / "families.yaml").write_text("code: [humaneval_bpb]\nqa: [arc_bpb]\n")
    mixwright("prepare", "EXP.yaml", folder=folder)  # the catalog names files by their whole paths
    return folder


@pytest.mark.parametrize(("page", "line"), RUN, ids=lambda value: value.name if isinstance(value, Path) else value)
def test_commands_run(folder, page, line):
    program, *words = shlex.split(line)
    words = ["recommend", *words] if program == "recommend-mix" else words
    assert mixwright(*words, folder=folder).stdout.strip()


def test_queries_of_the_readme_are_understood(folder):
    queries = [shlex.split(line)[-1] for line in readme_commands() if line.startswith("mixwright sql")]
    assert queries
    for query in queries:
        assert mixwright("sql", "EXP.yaml", query, folder=folder).stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sections_of_an_experiment_have_fields_that_exist(page):
    """Blocks of YAML name sections of the experiment file, unless they are a families file."""
    sections = Experiment.model_fields
    for block in YAML.findall(page.read_text()):
        content = yaml.safe_load(block)
        if not set(content) <= set(sections):
            assert families_of(page.name, content).groups, block
            continue
        for name, value in content.items():
            _check_fields(sections[name].annotation, value, name)


def _check_fields(annotation, value, place: str) -> None:
    """Every name at this place of the file is a field of the section's model."""
    models = [part for part in (annotation, *getattr(annotation, "__args__", ())) if hasattr(part, "model_fields")]
    if not models or not isinstance(value, dict):
        return
    if getattr(annotation, "__origin__", None) is dict:
        for name, inner in value.items():
            _check_fields(models[0], inner, f"{place}.{name}")
        return
    for name, inner in value.items():
        assert name in models[0].model_fields, f"{place}.{name}"
        _check_fields(models[0].model_fields[name].annotation, inner, f"{place}.{name}")
