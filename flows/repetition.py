"""The `swarm.match_repetition` setting in the flows: what the experiment's proxies keep of each domain."""

import sys
from collections.abc import Mapping
from pathlib import Path

from flows.experiment import Experiment
from mixes.budget import budget_tokens
from mixes.keys import listed
from mixes.proxy.settings import ProxySettings
from mixes.repetition import match_repetition
from pipeline.pool import Pool
from pipeline.swarm import Evidence


def kept_sequences(experiment: Experiment, pool: Path, proxy: ProxySettings) -> Mapping[str, int] | None:
    """Domain → sequences that such proxies keep of it, `kept` of their Evidence; None where nothing is to be matched.

    What cannot be matched is said on standard error.

    Raises:
        MixError: less than one sequence would be kept of a domain.
    """
    if not experiment.swarm.match_repetition:
        return None
    held = {name: domain.tokens for name, domain in Pool(pool).domains.items()}
    available = Pool(pool).available({name: source.full_tokens for name, source in experiment.sources.items()})
    budget = budget_tokens(experiment.planned_budget, available)
    kept, short = match_repetition(available, held, budget, proxy)
    if experiment.recommend.budget != experiment.planned_budget:
        _say(f"the swarm stays matched to the experiment file's budget of {budget:,.0f} tokens")
    if short:
        _say(f"the pool holds too little to match, so proxies repeat more than the training run will: {listed(short)}")
    return kept


def note_unprescribed(evidence: Evidence) -> None:
    """Say of an exported swarm that neither trainer's files can tell which part of a domain to read."""
    if evidence.kept:
        _say("no trainer's file can say it: read only so many tokens of each domain as `kept` in mixes.json, repeated")


def _say(line: str) -> None:
    print(f"repetition   {line}", file=sys.stderr, flush=True)
