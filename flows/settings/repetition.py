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
    """Domain → sequences that proxies of these settings keep of it; None where repetition is not matched.

    Domains that cannot be matched are reported on standard error.

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
    """Report that a recommendation is for another budget than the swarm was matched to."""
    if experiment.swarm.match_repetition and asked.recommend.budget != experiment.recommend.budget:
        budget = experiment.recommend.budget or "the pool"
        note("repetition", f"the swarm stays matched to the experiment file's budget ({budget})")


def note_unprescribed(evidence: Evidence) -> None:
    """Report that neither trainer's files can say which part of a domain an exported swarm's proxies read."""
    if evidence.kept:
        rule = "read, again and again, only as many tokens of each domain as `kept` in mixes.json says"
        note("repetition", f"no trainer's file can say it: {rule}")
