"""Matched repetition through the flows."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from support import mixwright

from flows.experiment import load_experiment
from flows.settings.repetition import kept_sequences, note_other_budget
from flows.validate import trial_evidence
from mixes.recommendation.validation import budgets
from pipeline.pool.pool import Pool
from pipeline.train.setup import Evidence


@pytest.fixture(scope="module")
def matched(tiny, finished) -> Path:
    """The tiny experiment, at a budget at which two sequences are kept of its smallest domain; its swarm, trained."""
    shutil.copytree(tiny / "work", tiny / "matched")  # the pool is made already
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    smallest = min(domain.tokens for domain in pool_of(tiny).domains.values())
    content["swarm"] |= {"match_repetition": True, "mixes": 3, "replicated": 0}
    content["recommend"] |= {"budget": str(smallest * 8_192 // (2 * 64))}
    (tiny / "matched.yaml").write_text(yaml.safe_dump({**content, "work": "matched"}))
    mixwright("swarm", "matched.yaml", folder=tiny)
    return tiny / "matched.yaml"


def pool_of(tiny: Path) -> Pool:
    return Pool(next((tiny / "work" / "stages").glob("pool-*")))


def test_the_catalog_counts_the_training_runs_epochs(tiny, matched):
    held = {name: domain.tokens for name, domain in pool_of(tiny).domains.items()}
    budget = float(load_experiment(matched).recommend.budget)
    with duckdb.connect(str(tiny / "matched" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select mix, domain, weight, epochs from mix_weights").fetchall()
        runs = {run for (run,) in catalog.sql("select run from runs").fetchall()}
    for mix, domain, weight, epochs in rows:
        part = held[domain] * 8_192 / budget / 64  # sequences
        assert epochs == pytest.approx(weight * 128 / round(part))
        assert epochs == pytest.approx(weight * budget / held[domain], rel=0.5 / round(part) + 1e-9)
        assert epochs <= 8 or mix == "natural"
    assert max(row[3] for row in rows) > 1
    free = {path.stem for path in (tiny / "work" / "records" / "runs").glob("*.parquet")}
    assert not runs & free


def test_shorter_trials_of_a_validation_keep_what_the_whole_one_does(tiny, matched):
    """So that they repeat it less, as a shorter training run would."""
    experiment = load_experiment(matched)
    pool = pool_of(tiny).folder
    swarm = Evidence(pool, Path("suite"), experiment.proxy, kept_sequences(experiment, pool, experiment.proxy))
    parts = trial_evidence(experiment, swarm, budgets(experiment.proxy, None, 2.0))
    assert set(parts) == {1, 2, 4}
    assert parts[1].kept == parts[2].kept == parts[4].kept
    assert sum(parts[1].kept.values()) == pytest.approx(2 * sum(swarm.kept.values()), abs=len(swarm.kept))
    natural = pool_of(tiny).natural
    whole, half = (parts[part].epochs(natural) for part in (1, 2))
    assert half == pytest.approx({name: epochs / 2 for name, epochs in whole.items()}, rel=0.02)


def test_longer_proxies_keep_more_and_a_flag_does_not_match_anew(tiny, matched, capsys):
    experiment, pool = load_experiment(matched), pool_of(tiny).folder
    kept = kept_sequences(experiment, pool, experiment.proxy)
    assert min(kept.values()) == 2
    longer = experiment.proxy.model_copy(update={"tokens": 4 * 8_192})
    assert kept_sequences(experiment, pool, longer) == pytest.approx({d: 4 * n for d, n in kept.items()}, abs=2)
    note_other_budget(experiment, experiment)
    assert capsys.readouterr().err == ""
    flagged = experiment.recommend.model_copy(update={"budget": "5M"})
    note_other_budget(experiment, experiment.model_copy(update={"recommend": flagged}))
    assert "stays matched to the experiment file's budget" in capsys.readouterr().err
    free = load_experiment(tiny / "experiment.yaml")
    assert kept_sequences(free, pool, free.proxy) is None


def test_domains_of_which_the_pool_is_too_small_a_share_are_named(tiny, matched, capsys):
    content = yaml.safe_load(matched.read_text())
    content["sources"]["books"]["full_tokens"] = 10**12
    (tiny / "shared.yaml").write_text(yaml.safe_dump(content))
    experiment, pool = load_experiment(tiny / "shared.yaml"), pool_of(tiny)
    kept = kept_sequences(experiment, pool.folder, experiment.proxy)
    assert kept["books"] == (pool.domains["books"].tokens - 1) // 64
    assert re.fullmatch(r"repetition   the pool holds too little .*: 'books'\n", capsys.readouterr().err)


def test_an_export_says_what_is_kept(tiny, matched):
    done = mixwright("swarm", "matched.yaml", "--export", "matched_export", folder=tiny)
    experiment = load_experiment(matched)
    kept = kept_sequences(experiment, pool_of(tiny).folder, experiment.proxy)
    mixes = json.loads((tiny / "matched_export" / "mixes.json").read_text())
    assert mixes["kept"] == {domain: 64 * sequences for domain, sequences in kept.items()}
    assert "repetition   no trainer's file can say it" in done.stderr
