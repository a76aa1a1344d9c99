"""What an experiment's runs of all sizes say about one size: a recommendation there, and the gain to expect of a mix.

The runs are those of the work folder over the experiment's pool and suite: its own swarm, swarms of other proxy sizes,
and the larger proxies of validations. An answer at a size is recorded among those of the experiment's own swarm, with
its size; it is never the latest one of the swarm's own size (flows/recommended.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flows.catalog.record import record_recommendation
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.recommend import kept_answer, known_evidence
from flows.settings.buckets import recommended_buckets
from flows.settings.question import question_address, question_of
from flows.show.progress import note, stage_progress
from flows.swarm import pool_to_train_on, swarm_flow
from mixes.certainty.intervals import Gain
from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.proxy.settings import ProxySettings
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs, Size
from mixes.sizes import size_at
from mixes.swarm import Candidate
from pipeline.pool.pool import Pool
from pipeline.train.ladder import runs_of_all_sizes
from pipeline.train.setup import Evidence


def recommend_at(experiment: Experiment, settings: RecommendSettings, at: str) -> Recommendation:
    """The whole process, then the best mix at a size, recorded with that size.

    Raises:
        ExperimentError: the experiment's proxies cannot be compared over sizes.
        MixError: the work folder has runs of one size only, or the size is too far from them.
    """
    check_comparable(experiment)
    asked = experiment.model_copy(update={"recommend": settings})
    evidence, candidates = swarm_flow(experiment, pool_to_train_on(experiment, settings), settings)
    question = question_over_sizes(asked, evidence, candidates, at)
    recommendation = _answer(asked, evidence, question)
    buckets = recommended_buckets(asked, Pool(evidence.pool), recommendation)
    record_recommendation(asked, evidence.pool.name, evidence.runs_hash(candidates), recommendation, buckets)
    return recommendation


def _answer(experiment: Experiment, evidence: Evidence, question: Question) -> Recommendation:
    """The recommendation at the question's size, as a stage of its own."""
    from pipeline.stages.laws import laws_stage, recommend_once_fitted  # with every law and solver

    known = with_evidence(experiment, evidence, question)
    settings = {**question_address(experiment), "reused": None, "at": _in_full(question.at) if question.at else None}
    inputs = (*(known.evidence[name] for name in ("pool", "suite", "runs")), laws_stage(question).id)
    return kept_answer(
        experiment, settings, inputs,
        lambda: recommend_once_fitted(known, experiment.corpus.stages, partial(note, "laws"), stage_progress),
    )  # fmt: skip


def with_evidence(experiment: Experiment, evidence: Evidence, question: Question) -> Question:
    """The question at a size, with the hashes of what its answer rests on."""
    hashes = {"pool": evidence.pool.name, "suite": evidence.suite.name, "runs": hash_of_runs(question.runs)}
    return replace(question, evidence=known_evidence(experiment, evidence.pool, hashes))


def _in_full(size: Size) -> str:
    """A size with all its digits, from which it can be read again."""
    return f"{size.parameters:.0f}" + (f":{size.tokens:.0f}" if size.tokens else "")


def hash_of_runs(runs: Runs) -> str:
    """Hash of the ids of runs of all sizes, by which an answer at a size says what it rests on."""
    return short_hash("".join(runs.ids))


def question_over_sizes(
    experiment: Experiment, evidence: Evidence, candidates: list[Candidate], at: str,
    but: frozenset[str] = frozenset(),
) -> Question:  # fmt: skip
    """The experiment's question, of the runs of all sizes but those in `but`, at one size."""
    runs, seeds = runs_of_all_sizes(
        experiment.records, evidence.pool.name, evidence.suite.name, partial(note, "sizes"), but
    )
    counts: Mapping[str, int] = {
        str(size): sum(own == size for own in runs.sizes_of_runs) for size in runs.sizes if size is not None
    }
    note("sizes", "runs by size: " + ", ".join(f"{size} {count}" for size, count in counts.items()))
    plain = question_of(experiment, evidence, candidates)
    return replace(plain, runs=runs, seeds=seeds, at=size_at(at, runs.sizes))


def check_comparable(experiment: Experiment) -> None:
    """Refuse proxies whose records do not say what they have in common with others.

    Raises:
        ExperimentError: they start from a checkpoint, read a part of each domain, or freeze domains.
    """
    for name, is_set in (
        ("proxy.init_from", experiment.proxy.init_from),
        ("swarm.match_repetition", experiment.swarm.match_repetition),
        ("reuse", experiment.reuse),
    ):
        if is_set:
            raise ExperimentError(f"--at: does not go with {name} yet — ask without --at, or without {name}")


def gains_at_size(
    experiment: Experiment, evidence: Evidence, candidates: list[Candidate], proxy: ProxySettings,
    mix: Mapping[str, float], but: frozenset[str],
) -> dict[str, Gain] | None:  # fmt: skip
    """Aim → what a mix gains at the size of `proxy`, by the runs of all sizes but those in `but`; None, with a note,
    where these have one size, or none near enough."""
    from mixes.recommendation.recommend import gains_of_mix  # with every law and solver

    try:
        check_comparable(experiment)
        question = question_over_sizes(experiment, evidence, candidates, f"{proxy.size}:{proxy.tokens}", but)
        with stage_progress("sizes"):
            return gains_of_mix(question, mix)
    except (MixError, ExperimentError) as error:
        note("sizes", f"no prediction for the size of the validation itself: {error}")
        return None
