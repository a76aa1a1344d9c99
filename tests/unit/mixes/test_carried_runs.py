"""Earlier runs stay evidence as long as what they read is in the pool, under whatever name."""

import hashlib

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.reuse.evidence import carry_runs
from mixes.reuse.identity import domain_content
from mixes.runs import Run, Runs


def content(*texts: str) -> str:
    return domain_content(hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts)


EARLIER = {"books": content("b"), "code": content("c"), "web": content("w1", "w2")}
RUNS = Runs(
    (
        Run("r1", "m1", {"books": 0.5, "code": 0.5, "web": 0.0}, {"sciq": 1.0}),
        Run("r2", "m2", {"books": 0.2, "code": 0.0, "web": 0.8}, {"sciq": 2.0}),
    )
)


def carried(now, tokens=None, **allowed):
    found = carry_runs(RUNS, EARLIER, now, tokens or dict.fromkeys(now, 1.0), "ratios.csv", **allowed)
    return {run.id: run.weights for run in found.runs}


def test_new_domains_had_no_weight():
    weights = carried({**EARLIER, "math": content("m")})
    assert weights["r1"] == {"books": 0.5, "code": 0.5, "web": 0.0, "math": 0.0}
    assert weights["r2"] == {"books": 0.2, "code": 0.0, "web": 0.8, "math": 0.0}


def test_a_renamed_domain_keeps_its_weight_and_a_taken_name_gets_none():
    weights = carried({"code": EARLIER["books"], "programs": EARLIER["code"], "web": EARLIER["web"]})
    assert weights["r2"] == {"code": 0.2, "programs": 0.0, "web": 0.8}


def test_a_split_domains_weight_goes_to_its_parts_by_tokens():
    now = {"books": EARLIER["books"], "code": EARLIER["code"], "web/a": content("w1"), "web/b": content("w2")}
    weights = carried(now, {"books": 5, "code": 5, "web/a": 300, "web/b": 100})
    assert weights["r2"] == pytest.approx({"books": 0.2, "code": 0.0, "web/a": 0.6, "web/b": 0.2})


def test_what_a_changed_domain_taught_is_stale():
    now = {**EARLIER, "web": content("w1", "w3")}
    with pytest.raises(MixError, match=r"ratios\.csv: stale, since the content of 'web' .* `allow_stale`"):
        carried(now)
    assert carried(now, allow_stale=True)["r2"]["web"] == 0.8


def test_runs_that_read_what_is_gone_are_left_out():
    gone = {name: EARLIER[name] for name in ("books", "code")}
    with pytest.raises(MixError, match="'web'"):
        carried(gone)
    assert list(carried(gone, allow_stale=True)) == ["r1"]
    with pytest.raises(MixError, match="every run reads a domain that is gone"):
        carried({"code": EARLIER["code"]}, allow_stale=True)


def test_merged_domains_are_others_than_before():
    """Their documents are now drawn together, in other proportions than the runs read them."""
    with pytest.raises(MixError, match="'books', 'web'"):
        carried({"text": content("b", "w1", "w2"), "code": EARLIER["code"]})
    runs = (*RUNS.runs, Run("r3", "m3", {"books": 0.0, "code": 1.0, "web": 0.0}, {"sciq": 3.0}))
    now = {"text": content("b", "w1", "w2"), "code": EARLIER["code"]}
    found = carry_runs(Runs(runs), EARLIER, now, dict.fromkeys(now, 1.0), "ratios.csv", allow_stale=True)
    assert [(run.id, run.weights) for run in found.runs] == [("r3", {"code": 1.0, "text": 0.0})]


def test_carried_and_new_runs_are_one_swarm():
    now = {**EARLIER, "math": content("m")}
    old = carry_runs(RUNS, EARLIER, now, dict.fromkeys(now, 1.0), "ratios.csv")
    new = Run("r3", "m3", {"books": 0.1, "code": 0.1, "web": 0.1, "math": 0.7}, {"sciq": 0.5})
    together = Runs((*old.runs, new))
    assert together.domains == ("books", "code", "math", "web")
    assert np.allclose(together.weights().sum(axis=1), 1)


def test_a_domain_that_no_run_reads_may_be_gone():
    runs = Runs((Run("r1", "m1", {"books": 1.0, "code": 0.0, "web": 0.0}, {"sciq": 1.0}),))
    found = carry_runs(runs, EARLIER, {"books": EARLIER["books"]}, {"books": 1}, "ratios.csv")
    assert found.runs[0].weights == {"books": 1.0}
