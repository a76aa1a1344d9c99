"""Matched repetition: a weight means as many epochs in a proxy as in the training run, and nothing else changes."""

import dataclasses
import hashlib
import json
import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml
from conftest import mixwright

from flows.experiment import load_experiment
from flows.settings.repetition import kept_sequences, note_other_budget
from flows.validate import trial_evidence
from mixes.errors import MixError
from mixes.proxy.repetition import match_repetition
from mixes.proxy.settings import ProxySettings
from mixes.proxy.tokens import Batches, DomainTokens, Member
from mixes.recommendation.validation import budgets
from mixes.reuse.identity import Origin
from mixes.reuse.plan import ReusePlan, draw_reusing_swarm
from mixes.swarm import Candidate, SwarmSettings, draw_swarm
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool
from pipeline.train.setup import Evidence, check_epochs
from pipeline.train.swarm import train_swarm

PROXY = ProxySettings(size="100k", tokens=640 * 64 + 100, context=64, batch=8)  # 80 whole steps, and a rest
BUDGET = 6 * 640 * 64
KEPT = {"large": 2_340, "middle": 260, "scarce": 50}  # sequences, when matched
HELD = {name: 6 * 64 * sequences for name, sequences in KEPT.items()}  # tokens of the pool, and all there are
MIXES = (
    {"large": 0.9, "middle": 0.08, "scarce": 0.02},
    {"large": 0.2, "middle": 0.5, "scarce": 0.3},  # 1.2 and 3.8 epochs
    {"large": 0.0, "middle": 1.0, "scarce": 0.0},
    {"large": 0.123456, "middle": 0.321, "scarce": 0.555544},  # 7.1 epochs of the scarce one
)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Token files in which every sequence begins with its own number."""
    folder = tmp_path_factory.mktemp("tokens")
    for name, tokens in HELD.items():
        content = np.zeros(tokens, dtype=np.uint16)
        content[:: PROXY.context] = np.arange(tokens // PROXY.context)
        content.tofile(folder / f"{name}.bin")
    return {name: folder / f"{name}.bin" for name in HELD}


def batches(files: dict[str, Path], kept: dict[str, int], *members: Member) -> Batches:
    domains = {name: DomainTokens(name, [file], PROXY.context, kept.get(name)) for name, file in files.items()}
    return Batches(members, domains, PROXY.steps, PROXY.batch, 1 << 16)


def reads(files: dict[str, Path], kept: dict[str, int], weights: dict[str, float], seed: int = 0) -> dict:
    """Domain → numbers of the sequences in a proxy's actual batches, in the order of reading."""
    made = batches(files, kept, Member(weights, seed))
    numbers = np.concatenate([rows[0] for rows in made.from_step(0)])[:, 0]
    return {domain.name: numbers[made.turns[0] == d].tolist() for d, domain in enumerate(made.domains)}


@pytest.mark.parametrize("weights", MIXES, ids=str)
def test_a_weight_means_as_many_epochs_as_in_the_training_run(files, weights):
    kept, short = match_repetition(HELD, HELD, BUDGET, PROXY)
    assert (kept, short) == (KEPT, [])
    for domain, numbers in reads(files, kept, weights).items():
        counts = np.unique(numbers, return_counts=True)[1]
        epochs = weights[domain] * BUDGET / HELD[domain]
        assert abs(counts.sum() - epochs * kept[domain]) < 1
        assert len(counts) == min(kept[domain], len(numbers))  # no sequence beside those kept
        assert counts.max() - counts.min() <= 1  # each read as often as any other


def test_proxies_of_a_seed_share_a_part_and_other_seeds_have_others(files):
    one, other = reads(files, KEPT, MIXES[1])["scarce"], reads(files, KEPT, MIXES[3])["scarce"]
    assert one == other[: len(one)]
    assert len(one) < len(other)
    epochs = [other[start : start + 50] for start in range(0, 350, 50)]
    assert len({frozenset(epoch) for epoch in epochs}) == 1
    assert len({tuple(epoch) for epoch in epochs}) == 7
    assert epochs[0] == reads(files, {}, MIXES[3])["scarce"][:50]  # the beginning of what it reads anyway
    elsewhere = set(reads(files, KEPT, MIXES[3], seed=1)["scarce"])
    assert len(elsewhere) == 50
    assert len(elsewhere & set(one)) < 25  # of 300, so 8 by chance


def test_a_resumed_cohort_reads_the_same(files):
    made = batches(files, KEPT, Member(MIXES[1], 0), Member(MIXES[3], 0), Member(MIXES[3], 2))
    whole = list(made.from_step(0))
    for step in (1, 41, 79):
        np.testing.assert_array_equal(np.stack(list(made.from_step(step))), np.stack(whole[step:]))


def test_without_it_batches_are_those_of_before(tmp_path):
    """Numbers taken before a domain could be limited."""
    rng, domains = np.random.default_rng(7), {}
    for name, tokens in (("a", 4_001), ("b", 900), ("c", 130)):
        rng.integers(0, 300, size=tokens).astype(np.uint16).tofile(tmp_path / name)
        domains[name] = DomainTokens(name, [tmp_path / name], 16)
    members = [Member({"a": 0.5, "b": 0.3, "c": 0.2}, 0), Member({"b": 0.1, "c": 0.9}, 0), Member({"a": 1.0}, 5)]
    digest = hashlib.sha256(b"".join(rows.tobytes() for rows in Batches(members, domains, 40, 8, 300).from_step(0)))
    assert digest.hexdigest() == "08e92785b9e78e1547f848bb5ce659f912284c9a15b1597299d8e90404cbff5d"
    order = [1, 5, 0, 7, 4, 3, 6, 2, 6, 2, 5, 0, 3, 1, 7, 4, 7, 6, 3, 0]
    assert domains["c"].order(5).at(np.arange(20)).tolist() == order


def test_ids_are_those_of_before_and_change_with_what_is_kept():
    proxy = ProxySettings(size="100k", tokens=8192, context=64, batch=8)
    shared, candidate = Evidence(Path("pool-1"), Path("suite-1"), proxy), Candidate("m", {"a": 0.25, "b": 0.75}, 3)
    kept = [None, {"a": 5, "b": 6}, {"a": 5, "b": 7}, {"b": 6, "a": 5}]
    ids = [dataclasses.replace(shared, kept=one).run_id(candidate) for one in kept]
    assert ids[0] == "run-c9e34aefd3d1"  # taken before it could be set
    assert len(set(ids)) == 3
    assert ids[1] == ids[3]


def test_parts_are_whole_sequences():
    for tokens in (2 * 64, 2.49 * 64, 2.51 * 64):  # wanted of a domain
        kept, _ = match_repetition({"a": 6 * tokens}, {"a": 10_000}, BUDGET, PROXY)
        assert kept == {"a": round(tokens / 64)}


def test_a_part_below_one_sequence_says_what_to_change():
    held = {"large": 100_000, "tiny": 300}
    with pytest.raises(MixError, match=r"would keep 50 of the 300 tokens of domain 'tiny', less than one") as raised:
        match_repetition(held, held, BUDGET, PROXY)
    tokens, budget = (
        int(re.search(name + r"\D*(?:\([\d,]+\) to )?([\d,]+) or", str(raised.value))[1].replace(",", ""))
        for name in ("proxy.tokens", "recommend.budget")
    )
    longer = PROXY.model_copy(update={"tokens": tokens})
    assert match_repetition(held, held, BUDGET, longer)[0]["tiny"] == 1
    assert match_repetition(held, held, budget, PROXY)[0]["tiny"] == 1
    for proxy, less in ((longer.model_copy(update={"tokens": tokens - 1}), BUDGET), (PROXY, budget + 1)):
        with pytest.raises(MixError, match="less than one sequence"):
            match_repetition(held, held, less, proxy)


def test_what_the_pool_is_too_small_for_is_kept_whole_and_named(files):
    available = {**HELD, "scarce": 7 * HELD["scarce"]}  # the pool has a seventh of it, and would have to hold a sixth
    kept, short = match_repetition(available, HELD, BUDGET, PROXY)
    assert short == ["scarce"]
    assert kept == {**KEPT, "scarce": 6 * 50 - 1}  # the last token is only a target
    assert set(reads(files, kept, {"scarce": 1.0})["scarce"]) == set(range(299))
    nearly = {**HELD, "scarce": 6 * HELD["scarce"]}  # as much as the pool's, but for the last sequence's last target
    assert match_repetition(nearly, HELD, BUDGET, PROXY)[1] == ["scarce"]
    assert match_repetition({**nearly, "scarce": nearly["scarce"] - 1}, HELD, BUDGET, PROXY)[1] == []
    with pytest.raises(MixError, match="holds 299 sequences, of which 300 cannot be kept"):
        reads(files, {"scarce": 300}, {"scarce": 1.0})


def test_the_cap_is_on_the_training_runs_epochs():
    shared = dataclasses.replace(Evidence(Path("pool-1"), Path("suite-1"), PROXY), kept=KEPT)
    settings = SwarmSettings(mixes=12, max_epochs=1.5, match_repetition=True)
    drawn = draw_swarm(HELD, PROXY.tokens, settings, 0, shared.caps(settings.max_epochs))
    most = {d: max(c.weights[d] * BUDGET / HELD[d] for c in drawn if c.mix.startswith("mix-")) for d in HELD}
    assert 1.2 < max(most.values()) <= 1.5 + 1e-4
    free = draw_swarm(HELD, PROXY.tokens, settings, 0)
    assert max(c.weights["scarce"] * BUDGET / HELD["scarce"] for c in free) > 2
    natural = {domain: held / sum(HELD.values()) for domain, held in HELD.items()}
    assert dict(drawn[0].weights) == pytest.approx(natural, abs=1e-6)
    check_epochs(shared, drawn[:1], 0.25)
    with pytest.raises(
        MixError, match=r"'heavy' repeat domain 'scarce' 3\.8 times, the cap is 3 — train on less, lower recom"
    ):
        check_epochs(shared, [Candidate("heavy", MIXES[1], 0)], 3)
    check_epochs(shared, [Candidate("heavy", MIXES[1], 0)], 3.82)  # 3.84, within half a sequence of 50
    with pytest.raises(MixError, match=r"lower swarm.min_distance \(0\.05\), or recommend\.budget"):
        draw_swarm(HELD, PROXY.tokens, settings, 0, shared.caps(0.2))


def test_a_reusing_swarm_keeps_to_the_training_runs_epochs_too():
    shared = dataclasses.replace(Evidence(Path("pool-1"), Path("suite-1"), PROXY), kept=KEPT)
    origins = {name: Origin("same", (name,)) for name in ("large", "middle")} | {"scarce": Origin("new", ())}
    plan = ReusePlan({"large": 0.8, "middle": 0.2}, ("scarce",), origins, ())
    settings = SwarmSettings(mixes=6, max_epochs=2, min_distance=0.01, match_repetition=True)
    for caps, low, high in ((shared.caps(2), 1, 2.001), (None, 2.1, 12.9)):
        drawn = draw_reusing_swarm(HELD, PROXY.tokens, settings, 0, plan, caps)
        epochs = [c.weights["scarce"] * BUDGET / HELD["scarce"] for c in drawn if c.mix.startswith("mix-")]
        assert low < max(epochs) <= high


def test_proxies_train_on_what_is_kept(evidence, tmp_path):
    sequences = {name: (domain.tokens - 1) // 64 for name, domain in Pool(evidence.pool).domains.items()}
    everything = dataclasses.replace(evidence, kept=sequences)
    a_few = dataclasses.replace(evidence, kept={**sequences, "code": 3})
    mix = [Candidate("even", {"books": 0.4, "code": 0.3, "science": 0.3}, 0)]
    losses = {}
    for name, one in {"free": evidence, "everything": everything, "few": a_few}.items():
        train_swarm(one, mix, tmp_path / name, tmp_path / "logs" / name, ExecutorSettings(workers=1), lambda *_: None)
        losses[name] = pl.read_parquet(tmp_path / name / "runs" / "*.parquet")["loss"].item()
    assert losses["free"] == losses["everything"]
    assert losses["few"] < losses["free"] - 0.1  # three sequences, thirteen times each, are soon known


@pytest.fixture(scope="module")
def matched(tiny, finished, server) -> Path:
    """The tiny experiment, at a budget at which two sequences are kept of its smallest domain; its swarm, trained."""
    shutil.copytree(tiny / "work", tiny / "matched")  # the pool is made already
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    smallest = min(domain.tokens for domain in pool_of(tiny).domains.values())
    content["swarm"] |= {"match_repetition": True, "mixes": 3, "replicated": 0}
    content["recommend"] |= {"budget": str(smallest * 8_192 // (2 * 64))}
    (tiny / "matched.yaml").write_text(yaml.safe_dump({**content, "work": "matched"}))
    mixwright("swarm", "matched.yaml", folder=tiny, PREFECT_API_URL=server)
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


def test_an_export_says_what_is_kept(tiny, matched, server):
    done = mixwright("swarm", "matched.yaml", "--export", "matched_export", folder=tiny, PREFECT_API_URL=server)
    experiment = load_experiment(matched)
    kept = kept_sequences(experiment, pool_of(tiny).folder, experiment.proxy)
    mixes = json.loads((tiny / "matched_export" / "mixes.json").read_text())
    assert mixes["kept"] == {domain: 64 * sequences for domain, sequences in kept.items()}
    assert "repetition   no trainer's file can say it" in done.stderr
