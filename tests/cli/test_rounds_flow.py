"""A swarm in rounds, through the flows."""

import json
import shutil

import yaml
from support import here, mixwright, said_here


def test_a_swarm_in_rounds_is_drawn_once_and_whatever_is_asked_later(tiny, finished):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    swarm = {name: value for name, value in content["swarm"].items() if name != "mixes"}
    shutil.copytree(tiny / "work", tiny / "in_rounds")
    content |= {
        "work": "in_rounds",
        "swarm": {**swarm, "rounds": [8, 3]},
        "recommend": {**content["recommend"], "target": {"code": 1}},
    }
    (tiny / "rounds.yaml").write_text(yaml.safe_dump(content))
    mixwright("swarm", "rounds.yaml", folder=tiny)
    query = "select round, count(*) as n from mixes group by all order by all"
    shown = here("sql", query, "--catalog", "in_rounds/catalog.duckdb", folder=tiny).stdout
    assert [line.split()[1:4:2] for line in shown.splitlines() if line[2:3].isdigit()] == [["1", "10"], ["2", "3"]]
    runs = sorted(path.name for path in (tiny / "in_rounds" / "records" / "runs").iterdir())
    found = mixwright("recommend", "rounds.yaml", "--target", "knowledge=1", "--json", folder=tiny)
    assert runs == sorted(path.name for path in (tiny / "in_rounds" / "records" / "runs").iterdir())
    assert set(json.loads(found.stdout)["mix"]) == set(finished["mix"])
    planned = json.loads(here("plan", "rounds.yaml", "--device", "h100", "--json", folder=tiny).stdout)
    assert (planned["trained"], planned["hours"]) == (planned["proxies"], 0)
    assert "export a swarm of one round" in said_here(tiny, "swarm", "rounds.yaml", "--export", "elsewhere")


def test_a_swarm_ends_when_its_scores_say_enough(tiny, finished):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    shutil.copytree(tiny / "work", tiny / "stopped")
    stop = {"regret": 1000, "least": 8, "step": 1}
    content |= {"work": "stopped", "swarm": {**content["swarm"], "mixes": 12, "stop": stop}}
    (tiny / "stopped.yaml").write_text(yaml.safe_dump(content))
    first = mixwright("swarm", "stopped.yaml", folder=tiny)
    assert "after 10 mixes the best mix is expected to be" in first.stderr
    assert "1000 end the swarm" in first.stderr
    planned = json.loads(here("plan", "stopped.yaml", "--device", "h100", "--json", folder=tiny).stdout)
    assert (planned["mixes"], planned["trained"], planned["hours"]) == (10, planned["proxies"], 0)
    content["swarm"]["stop"]["regret"] = 1e-6  # never reached: all are trained, the later ones one by one
    content["swarm"]["mixes"] = 10
    (tiny / "stopped.yaml").write_text(yaml.safe_dump(content))
    mixwright("recommend", "stopped.yaml", folder=tiny)
    assert json.loads(here("plan", "stopped.yaml", "--device", "h100", "--json", folder=tiny).stdout)["mixes"] == 12
    assert "swarm.stop draws later mixes" in said_here(tiny, "swarm", "stopped.yaml", "--export", "elsewhere")
