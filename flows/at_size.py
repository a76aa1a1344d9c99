"""What an experiment's runs of all sizes say about one size: a recommendation there, and the gain to expect of a mix.

The runs are those of the work folder over the experiment's pool and suite: its own swarm, swarms of other proxy sizes,
and the larger proxies of validations.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.settings.question import question_of
from flows.show.progress import note, stage_progress
from flows.swarm import pool_to_train_on, swarm_flow
from mixes.certainty.intervals import Gain
from mixes.errors import MixError
from mixes.proxy.settings import ProxySettings
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.sizes import size_at
from mixes.swarm import Candidate
from pipeline.train.ladder import runs_of_all_sizes
from pipeline.train.setup import Evidence


def recommend_at(experiment: Experiment, settings: RecommendSettings, at: str) -> Recommendation:
    """The whole process, then the best mix at a size; the answer is shown, and not recorded.

    Raises:
        ExperimentError: the experiment's proxies cannot be compared over sizes.
        MixError: the work folder has runs of one size only, or the size is too far from them.
    """
    from pipeline.stages.laws import recommend_once_fitted  # with every law and solver

    check_comparable(experiment)
    asked = experiment.model_copy(update={"recommend": settings})
    evidence, candidates = swarm_flow(experiment, pool_to_train_on(experiment, settings), settings)
    question = question_over_sizes(asked, evidence, candidates, at)
    return recommend_once_fitted(question, experiment.corpus.stages, partial(note, "laws"), stage_progress)


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
