"""Proxies train on what is kept of a domain, and on nothing else."""

import dataclasses

import polars as pl

from mixes.swarm import Candidate
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool
from pipeline.train.swarm import train_swarm


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
