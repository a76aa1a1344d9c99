"""What the explorer saves of an experiment: the recommendation that `recommend-mix` makes, and a file that asks it."""

import json

import pytest
import yaml
from support import mixwright

from flows.errors import ExperimentError
from flows.experiment import load_experiment
from flows.explorer.explored import explored_experiment
from flows.explorer.keep import experiment_yaml, keep
from flows.explorer.session import Session
from flows.recommended import find_recommendation
from flows.workspace import Workspace

pytestmark = pytest.mark.cli


@pytest.fixture(scope="module")
def opened(tiny, finished):
    mixwright("prepare", "experiment.yaml", folder=tiny)  # the catalog names files by their whole paths
    return explored_experiment(tiny / "experiment.yaml")


def records(folder) -> list[tuple]:
    rows = Workspace(folder).recommendations()
    return list(rows.select("recommendation", "target", "max_epochs").sort("recommendation").iter_rows())


def test_a_question_is_saved_as_the_command_answers_it(opened, tiny, finished):
    families = list(finished["families"])
    page = Session(opened, {"target": f"{families[0]}=0.7&{families[1]}=0.3", "max_epochs": "3"})
    question = opened.asked(page.state)
    saved = keep(opened, question)
    assert saved.id == page.recommendation(question).id != finished["id"]
    assert find_recommendation(load_experiment(opened.file)).recommendation == saved  # now the latest
    before = records(opened.experiment.folder)
    assert saved.id in [row[0] for row in before]

    words = ["--target", f"{families[0]}=0.7", "--target", f"{families[1]}=0.3", "--max-epochs", "3", "--json"]
    told = json.loads(mixwright("recommend", "experiment.yaml", *words, folder=tiny).stdout)
    assert told["id"] == saved.id
    assert told["mix"] == saved.mix
    assert records(opened.experiment.folder) == before

    file = tiny / "changed.yaml"
    file.write_text(experiment_yaml(opened.file, opened.experiment.work, question.settings))
    changed = load_experiment(file)
    assert (changed.recommend, changed.folder) == (question.settings, opened.experiment.folder)
    again = explored_experiment(file)
    assert keep(again, again.question).id == saved.id


def test_nothing_is_trained_to_save(opened):
    content = yaml.safe_load(opened.file.read_text())
    content["swarm"] = {**content.get("swarm", {}), "seeds": 5}
    larger = opened.file.with_name("larger.yaml")
    larger.write_text(yaml.safe_dump({**content, "work": str(opened.experiment.folder)}))
    other = type(opened)(opened.findings, load_experiment(larger), larger)
    with pytest.raises(ExperimentError, match="its swarm is not finished"):
        keep(other, opened.question)
