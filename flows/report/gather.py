"""Gathers what a report shows: of an experiment from its finished stages and its catalog, or of a swarm from files."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.from_files import SwarmFiles, question_from_files
from flows.recommended import find_recommendation
from flows.report.corpus_tables import read_corpus_tables
from flows.report.findings import Findings, shown
from flows.report.over_sizes import AskedOverSizes, asked_over_sizes, rows_of_runs
from flows.report.words import counted, listed
from flows.settings.buckets import recommended_buckets
from flows.settings.question import holdings_of
from flows.settings.reuse import CONTENT, fold_question, reuse_plan, unfold_recommendation
from flows.show.progress import note, stage_progress
from flows.workspace import Workspace
from mixes.errors import MixError
from mixes.recommendation.from_tables import in_own_direction
from mixes.recommendation.problem import problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.beside import APART
from mixes.reuse.plan import fold_amounts
from mixes.runs import to_array
from mixes.tables.metrics import Metric
from pipeline.pool.pool import Pool
from pipeline.stages.laws import fitted_once
from pipeline.store.cache import swarm_cache, trim_cache
from pipeline.store.stage import StageStore

LAWS = partial(note, "laws")
MOST_NAMED = 5  # families in a name


def from_experiment(
    experiment: Experiment, wanted: str | None = None, settings: RecommendSettings | None = None, at: str | None = None
) -> Findings:
    """What there is to show of an experiment whose swarm is finished.

    Args:
        experiment: the experiment.
        wanted: id of a recommendation, or its beginning; None is the latest.
        settings: asks for another recommendation by the same swarm, in place of `wanted`.
        at: a size (parameters:tokens) that the answer is for, by the runs of all sizes; None is that of `wanted`.

    Raises:
        ExperimentError: there is no recommendation yet, or it is not by the swarm that the catalog shows.
        MixError: the work folder has runs of one size only, or the size is too far from them.
    """
    found = find_recommendation(experiment, wanted) if at is None else None
    if found is None or found.recommendation.at:
        asked_at = asked_over_sizes(experiment, at, found, settings)
        return _over_sizes(experiment, asked_at, settings is not None)
    workspace = Workspace(experiment.folder)
    if found.recommendation.id not in workspace.recommendations()["recommendation"].to_list():
        raise ExperimentError(
            f"recommendation {found.recommendation.id}: is not by the swarm that {experiment.catalog} shows — "
            "ask for it again with recommend-mix"
        )
    swarm = workspace.swarm
    families = {task: metric.family for task, metric in swarm.scored.metrics.items()}
    asked = experiment.model_copy(update={"recommend": settings or found.settings})  # caps depend on the budget
    whole = Question(
        swarm.scored.runs, families, holdings_of(asked, found.pool), asked.recommend, experiment.seed,
        swarm.seeds, swarm.checkpoint, found.recommendation.evidence,
    )  # fmt: skip
    plan = reuse_plan(experiment, experiment.corpus.stages, found.pool.folder)
    question = fold_question(whole, plan) if plan else whole
    fitted, worlds = fitted_once(question, experiment.corpus.stages, LAWS, stage_progress)
    recommendation = found.recommendation
    if settings:
        recommendation = recommend(question, fitted, lambda _: worlds)
        recommendation = unfold_recommendation(recommendation, plan, whole) if plan else recommendation
    mix = fold_amounts(recommendation.mix, plan) if plan else recommendation.mix
    return Findings(
        name=experiment.name,
        recommendation=recommendation,
        problem=problem_of(question, fitted),
        worlds=worlds,
        mix=to_array(mix, fitted.runs.domains, "mix"),
        corpus=read_corpus_tables(experiment.catalog),
        buckets=_buckets(experiment, found.pool, recommendation),
        lineage=_lineage(recommendation, question),
        contents=_contents(recommendation),
    )


def _over_sizes(experiment: Experiment, asked: AskedOverSizes, anew: bool) -> Findings:
    """The same of an answer at a size; anew: whether it is not recorded."""
    question = asked.question
    fitted, worlds = fitted_once(question, experiment.corpus.stages, LAWS, stage_progress)
    recommendation = asked.recommendation
    if recommendation is None:
        recommendation = recommend(question, fitted, lambda _: worlds)
    corpus = read_corpus_tables(experiment.catalog)
    return Findings(
        name=experiment.name,
        recommendation=recommendation,
        problem=problem_of(question, fitted),
        worlds=worlds,
        mix=to_array(recommendation.mix, fitted.runs.domains, "mix"),
        corpus=replace(corpus, runs=rows_of_runs(experiment.records, question.runs.ids)),
        buckets=_buckets(experiment, asked.pool, recommendation),
        lineage=_lineage(recommendation, question),
        contents=_contents(recommendation),
    )


def _contents(recommendation: Recommendation) -> dict[str, str]:
    """Domain → hash of what it held."""
    evidence = recommendation.evidence
    return {name.removeprefix(CONTENT): value for name, value in evidence.items() if name.startswith(CONTENT)}


def from_files(
    experiment: Experiment | None, settings: RecommendSettings, files: SwarmFiles, title: str | None = None
) -> Findings:
    """What there is to show of a swarm in files, by its own name or by `title`; for the other arguments see
    `question_from_files`."""
    swarm, question = question_from_files(experiment, settings, files)
    return from_question(experiment, question, swarm.metrics, title)


def from_question(
    experiment: Experiment | None, question: Question, metrics: Mapping[str, Metric], title: str | None = None
) -> Findings:
    """The same of what `question_from_files` gave."""
    cache = swarm_cache(LAWS)
    findings = _answered(question, cache, metrics)
    name = title or (experiment.name if experiment else named_by_content(findings))
    findings = replace(findings, name=name)
    if cache:
        trim_cache(cache)
    return findings


def with_command(findings: Findings, command: str) -> Findings:
    """The same, with the command that made it."""
    return replace(findings, lineage={**findings.lineage, "command": command})


def named_by_content(findings: Findings) -> str:
    """A name for a swarm that has none: what its mix is for, and from how many domains."""
    target = findings.problem.target
    families = [shown(name) for name in findings.families if any(map(target.get, findings.problem.by_family[name]))]
    tasks = families if len(families) <= MOST_NAMED else [counted(len(families), "family", "families")]
    return f"{listed(tasks)}, from {counted(len(findings.domains), 'domain')}"


def _answered(question: Question, cache: StageStore | None, metrics: Mapping[str, Metric]) -> Findings:
    fitted, worlds = fitted_once(question, cache, LAWS, stage_progress)
    with stage_progress("recommend"):
        recommendation = recommend(question, fitted, lambda _: worlds)
    return Findings(
        name="",
        recommendation=in_own_direction(recommendation, metrics),
        problem=problem_of(question, fitted),
        worlds=worlds,
        mix=to_array(recommendation.mix, fitted.runs.domains, "mix"),
        metrics=metrics,
        lineage=_lineage(recommendation, question),
    )


def _buckets(experiment: Experiment, pool: Pool, recommendation: Recommendation) -> list[dict[str, Any]]:
    """How often each quality bucket repeats; nothing where the experiment does not ask, or the mix was made without."""
    try:
        return recommended_buckets(experiment, pool, recommendation)
    except MixError:  # a mix that upsampling did not cap
        return []


def _runs(question: Question) -> str:
    """How many runs there are, and how many of them are an earlier swarm's."""
    earlier = sum(seed >= APART for seed in question.seeds.values())
    return f"{len(question.runs)}, of which {earlier} earlier ones" if earlier else str(len(question.runs))


def _lineage(recommendation: Recommendation, question: Question) -> dict[str, str]:
    """Hashes, versions and seeds."""
    from importlib.metadata import version

    settings = question.settings
    names = [law.name for law in recommendation.law.values()]
    laws = ", ".join(f"{name} for {names.count(name)} tasks" for name in sorted(set(names)))
    return {
        "mixwright": version("mixwright"),
        "recommendation": recommendation.id,
        **{
            f"hash of {name}": value
            for name, value in sorted(recommendation.evidence.items())
            if not name.startswith(CONTENT)
        },
        "target asked for": str(settings.target) if settings.target else "mean over families of the mean over tasks",
        "laws": laws,
        "swarms imagined and fitted anew, behind the intervals": str(settings.replicates),
        "coverage of intervals": f"{100 * settings.coverage:g}%",
        "seed": str(question.seed),
        "runs": _runs(question),
        **({"size that the answer is for": recommendation.at} if recommendation.at else {}),
    }
