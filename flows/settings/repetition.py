"""The `swarm.match_repetition` setting in the flows: what the experiment's proxies keep of each domain."""

from collections.abc import Mapping
from pathlib import Path

from flows.experiment import Experiment
from flows.settings.question import available_tokens
from flows.show.progress import note
from mixes.budget import budget_tokens
from mixes.proxy.repetition import match_repetition
from mixes.proxy.settings import ProxySettings
from mixes.tables.keys import listed
from pipeline.pool.pool import Pool
from pipeline.train.setup import Evidence


def kept_sequences(experiment: Experiment, pool_folder: Path, proxy: ProxySettings) -> Mapping[str, int] | None:
    """Domain → sequences that such proxies keep of it, `kept` of their Evidence; None where nothing is to be matched.

    What cannot be matched is reported on standard error.

    Raises:
        MixError: less than one sequence would be kept of a domain.
    """
    if not experiment.swarm.match_repetition:
        return None
    pool_tokens = {name: domain.tokens for name, domain in Pool(pool_folder).domains.items()}
    available = available_tokens(experiment, Pool(pool_folder))
    kept, short = match_repetition(available, pool_tokens, budget_tokens(experiment.recommend.budget, available), proxy)
    if short:
        line = "the pool holds too little to match, so proxies repeat more than the training run will"
        note("repetition", f"{line}: {listed(short)}")
    return kept


def note_other_budget(experiment: Experiment, asked: Experiment) -> None:
    """Say of a recommendation that is asked for another budget than the swarm was matched to."""
    if experiment.swarm.match_repetition and asked.recommend.budget != experiment.recommend.budget:
        budget = experiment.recommend.budget or "the pool"
        note("repetition", f"the swarm stays matched to the experiment file's budget ({budget})")


def note_unprescribed(evidence: Evidence) -> None:
    """Say of an exported swarm that neither trainer's files can tell which part of a domain to read."""
    if evidence.kept:
        line = "no trainer's file can say it: read only so many tokens of each domain as `kept` in mixes.json, repeated"
        note("repetition", line)
