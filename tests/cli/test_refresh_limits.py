"""`refresh` beside tight limits: proportions are kept as far as the limits allow, and no cap is loosened."""

import json

import pytest
import yaml
from support import SAMPLE, mixwright, read_lines, write_lines


def test_what_cannot_keep_its_proportion_is_mixed_anew(tiny, finished):
    """Every token once: only the natural mix can be, and it moves with the domain that grew."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["recommend"] |= {"max_epochs": 1.0, "limits": {"bounds": {"science": [0.01, 0.3]}}}
    content["refresh"] = {"reuse": "recommendation"}
    (tiny / "tight.yaml").write_text(yaml.safe_dump(content))
    before = json.loads(mixwright("recommend", "tight.yaml", "--json", folder=tiny).stdout)
    assert before["mix"] == pytest.approx(before["natural"])
    write_lines(tiny / "code" / "z-more.jsonl.zst", read_lines(next((SAMPLE / "code").glob("*.zst")))[200:214])
    done = mixwright("refresh", "tight.yaml", "--json", folder=tiny)
    assert "bounds name 'science': mixed anew" in done.stderr
    assert "in the earlier proportions no mix is within the caps of " in done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "keep"
    assert found["mix"]["code"] > before["mix"]["code"]
    most = f"select max(epochs) as most from recommendation_weights where recommendation = '{found['recommendation']}'"
    said = mixwright("sql", "tight.yaml", most, "--json", folder=tiny)
    assert json.loads(said.stdout)[0]["most"] == pytest.approx(1.0, abs=1e-6)
