"""What can be known of a question before the runs that answer it: names, budget. Asked before anything long."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.settings.question import available_tokens
from flows.settings.reuse_on_pool import check_reuse_on_pool
from mixes.budget import budget_tokens, epoch_caps
from mixes.errors import did_you_mean
from mixes.optimum.from_settings import matching
from mixes.quality_parts import PARTS, part_name
from mixes.recommendation.compared import compared_over
from mixes.recommendation.settings import RecommendSettings
from mixes.target import check_names
from pipeline.pool.pool import Pool


def check_question(experiment: Experiment, settings: RecommendSettings, families: Mapping[str, str]) -> None:
    """Check what is asked against the suite (task → family) and the sources, before there is a pool.

    Raises:
        ExperimentError: a domain that no source can make.
        MixError: an unknown target, family or task, or a budget that cannot be met.
    """
    check_names(settings.target, settings.limits.keep, families)
    for field, names in _named_domains(settings):
        for name in names:
            if not _may_match(experiment, name):
                raise ExperimentError(
                    f"recommend.limits.{field}: no source makes a domain {name!r} — "
                    f"{did_you_mean(name, sorted(experiment.sources))}"
                )
    stated = {name: source.full_tokens for name, source in experiment.sources.items() if source.full_tokens}
    if len(stated) == len(experiment.sources) and not settings.limits.epochs:
        available = {name: float(tokens) for name, tokens in stated.items()}
        epoch_caps(available, budget_tokens(settings.budget, available), settings.max_epochs)


def check_on_pool(experiment: Experiment, settings: RecommendSettings, pool_folder: Path) -> None:
    """Check what is asked against the pool, before proxies train.

    Raises:
        MixError: a domain that is not there, or a budget that cannot be met.
        ExperimentError: no mix in the proportions of `reuse.recommendation` is within the limits, or a mix to compare
            with has other proportions.
    """
    available = available_tokens(experiment, Pool(pool_folder))
    for field, names in _named_domains(settings):
        for name in names:
            matching(name, tuple(available), field)
    compared_over(tuple(available), settings.compare, {})
    if not settings.limits.epochs:
        epoch_caps(available, budget_tokens(settings.budget, available), settings.max_epochs)
    check_reuse_on_pool(experiment, settings, Pool(pool_folder))


def _named_domains(settings: RecommendSettings) -> list[tuple[str, Iterable[str]]]:
    """(field, domains or patterns that it names)."""
    limits = settings.limits
    return [("bounds", limits.bounds), ("epochs", limits.epochs), ("near", limits.near)]


def _may_match(experiment: Experiment, pattern: str) -> bool:
    """Whether a source may make a domain of that name or pattern: itself, or a part of it after a slash."""
    part = pattern.partition("/")[2]
    cut = PARTS[experiment.pool.quality_parts] if experiment.pool.quality_parts else ()
    return any(
        fnmatchcase(source, pattern)
        or (settings.quality and any(fnmatchcase(part_name(source, end), pattern) for end in cut))
        or ((settings.topics or settings.fields.domain) and fnmatchcase(f"{source}/{part}", pattern))
        for source, settings in experiment.sources.items()
    )
