"""What is known of an experiment before anything runs: its pool, suite, swarm and records, or estimates of them.

Stages are searched in a store that makes none, so nothing is written.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from flows.candidates import draw_first, draw_from_pool, draw_next, later_rounds, make_suite
from flows.catalog.newer import check_workspace
from flows.experiment import Experiment
from flows.settings.repetition import kept_sequences
from mixes.quality_parts import whole_of
from mixes.recommendation.expected import measured_noise
from mixes.swarm import Candidate, SwarmSettings, draw_swarm
from pipeline.errors import PipelineError
from pipeline.pool.pool import Pool
from pipeline.stages.expect import encoded_items, expected_domains, expected_items
from pipeline.stages.graph import finished_pool
from pipeline.store.stage import Unfinished
from pipeline.store.tokenizer import given_tokenizer, vocabulary_size
from pipeline.suite import suite_families
from pipeline.train.checkpoint_scores import start_of
from pipeline.train.records import diverged_runs, is_recorded, read_runs
from pipeline.train.setup import Evidence


@dataclass(frozen=True)
class Known:
    """What exists, or is expected; `assumptions` list what is only expected."""

    pool: Pool | None
    evidence: Evidence | None  # None where pool or suite is missing
    domains: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    trained: tuple[Candidate, ...]
    vocabulary: int
    items: tuple[tuple[int, int], ...]  # (tokens, how many of them are scored)
    assumptions: tuple[str, ...]

    @property
    def earlier(self) -> int:
        """Candidates that are runs of an earlier swarm."""
        return sum(candidate.run is not None for candidate in self.candidates)

    @property
    def left(self) -> int:
        """Proxies that are left to train; an earlier run whose record is not copied yet is none."""
        new, trained = ([one for one in which if not one.run] for which in (self.candidates, self.trained))
        return len(new) - len(trained)


def look(experiment: Experiment) -> Known:
    """The pool, the suite and the runs where they are finished, and estimates where they are not.

    Raises:
        MixError: the caps leave no room for that many mixes.
        PipelineError: the experiment's own tokenizer or proxy to start from cannot be read.
    """
    check_workspace(experiment.folder)
    assumptions: list[str] = []
    pool = _pool(experiment, assumptions)
    evidence = _evidence(experiment, pool) if pool else None
    caps = evidence.caps(experiment.swarm.max_epochs) if evidence and evidence.kept else None
    candidates = _finished_rounds(experiment, evidence) or _swarm(experiment, pool, evidence, caps, assumptions)
    if evidence:
        items = encoded_items(evidence.suite)
        trained = [candidate for candidate in candidates if is_recorded(experiment.records, evidence.run_id(candidate))]
    else:
        items, trained = _items(experiment, assumptions), []
    return Known(
        pool, evidence, tuple(sorted(candidates[0].weights)), tuple(candidates), tuple(trained),
        _vocabulary(experiment, pool), tuple(items), tuple(assumptions),
    )  # fmt: skip


def known_noise(experiment: Experiment, known: Known) -> float | None:
    """Standard deviation of a score on the target, by the experiment's own replicates; None where these are too few."""
    if not known.evidence or not known.trained:
        return None
    odd = diverged_runs(known.evidence, known.trained, experiment.records)
    sound = [candidate for candidate in known.trained if known.evidence.run_id(candidate) not in odd]
    if not sound:
        return None
    runs = read_runs(known.evidence, sound, experiment.records)
    seeds = {known.evidence.run_id(candidate): candidate.seed for candidate in sound}
    families, asked = suite_families(known.evidence.suite), experiment.recommend
    return measured_noise(runs, families, asked.target, asked.law, seeds)


def _pool(experiment: Experiment, assumptions: list[str]) -> Pool | None:
    try:
        return Pool(finished_pool(experiment.corpus))
    except PipelineError as error:
        assumptions.append(f"There is no pool of this experiment yet ({error}).")
        return None


def _evidence(experiment: Experiment, pool: Pool) -> Evidence | None:
    proxy = start_of(experiment.proxy, experiment.corpus)
    try:
        suite = make_suite(experiment, experiment.corpus.finding.stages, pool.folder)
        return Evidence(pool.folder, suite, proxy, kept_sequences(experiment, pool.folder, proxy))
    except PipelineError:
        return None


def _finished_rounds(experiment: Experiment, evidence: Evidence | None) -> list[Candidate]:
    """The mixes of all rounds; empty where one of the rounds has not been drawn."""
    if not experiment.swarm.by_scores or not evidence:
        return []
    stages = experiment.corpus.finding.stages
    try:
        candidates = draw_first(experiment, stages, evidence)
        for number in later_rounds(experiment, candidates):
            drawn = draw_next(experiment, stages, evidence, candidates, number)
            if not drawn:
                break
            candidates = [*candidates, *drawn]
    except Unfinished:
        return []
    return candidates


def _swarm(
    experiment: Experiment,
    pool: Pool | None,
    evidence: Evidence | None,
    caps: Mapping[str, float] | None,
    assumptions: list[str],
) -> list[Candidate]:
    settings, proxy_tokens = _in_one_round(experiment.swarm, assumptions), experiment.proxy.tokens
    if not pool:
        tokens = _expected_tokens(experiment, assumptions)
        return draw_swarm(tokens, proxy_tokens, settings, experiment.seed, dict.fromkeys(tokens, 1.0))
    try:
        return draw_from_pool(experiment, experiment.corpus.finding.stages, pool.folder, settings, caps, evidence)
    except Unfinished:
        assumptions.append(
            "Reuse is not counted: the pool's contents have not been compared with the earlier ones yet."
        )
        tokens = {name: domain.tokens for name, domain in pool.domains.items()}
        return draw_swarm(tokens, proxy_tokens, settings, experiment.seed, caps)


def _in_one_round(settings: SwarmSettings, assumptions: list[str]) -> SwarmSettings:
    """Settings that draw the mixes of all rounds at once, since later rounds wait for scores."""
    if not settings.by_scores:
        return settings
    early = "" if settings.stop is None else ", of which `swarm.stop` may leave out some"
    assumptions.append(
        f"The mixes of all rounds are drawn at once here{early}. Those of later rounds count as not trained, and all "
        "as if they could train together."
    )
    return settings.model_copy(
        update={"mixes": settings.mixes or sum(settings.rounds) or None, "rounds": (), "stop": None}
    )


def _expected_tokens(experiment: Experiment, assumptions: list[str]) -> dict[str, float]:
    """Domain → tokens; only their proportions matter. By full_tokens where all sources state it, else equal."""
    domains = expected_domains(experiment.corpus)
    stated = {name: source.full_tokens for name, source in experiment.sources.items()}
    parts = Counter(domains.values())
    topics = Counter({whole_of(name): source for name, source in domains.items()}.values())
    lines = [
        f"{name} split into the {count} that topics.most_domains allows" for name, count in topics.items() if count > 1
    ]
    if cut := experiment.pool.quality_parts:
        lines.append(f"each that is scored cut in {cut} by quality")
    lines += [
        f"{name} as one, although its records name them" for name in stated if experiment.sources[name].fields.domain
    ]
    assumptions.append(
        "; ".join([f"Domains are the {len(stated)} sources", *lines, "none is taken to be too small for a mix."])
    )
    if None in stated.values():
        assumptions.append("The natural mix is taken as uniform: not every source states its full_tokens.")
        return dict.fromkeys(domains, 1.0)
    return {name: (stated[source] or 0) / parts[source] for name, source in domains.items()}


def _items(experiment: Experiment, assumptions: list[str]) -> list[tuple[int, int]]:
    try:
        file = experiment.corpus.located(experiment.corpus.suite_file)
        items = expected_items(file, experiment.suite, experiment.proxy.context)
    except PipelineError as error:
        assumptions.append(f"Only evaluation on the validation splits is counted ({error}).")
        return []
    assumptions.append("Lengths of the suite's items are estimated from their bytes.")
    return items


def _vocabulary(experiment: Experiment, pool: Pool | None) -> int:
    if pool:
        return pool.vocabulary
    path = experiment.tokenizer.path
    if path:
        return vocabulary_size(
            given_tokenizer(experiment.corpus.file(path, "tokenizer.path"), experiment.tokenizer.end)
        )
    return experiment.tokenizer.vocabulary
