"""Which stages a finished experiment asks for when its commands are given again: found by asking, making nothing."""

from flows.errors import INPUT_ERRORS
from flows.experiment import Experiment
from flows.gc.at_sizes import laws_at_sizes
from flows.plan.known import look
from flows.settings.question import question_of
from flows.settings.reuse import fold_question, reuse_plan
from flows.show.progress import note
from mixes.recommendation.settings import LAW_NAMES
from pipeline.pool.content_hash import domain_contents
from pipeline.stages.graph import walk_stages
from pipeline.stages.pool import ready_models
from pipeline.store.stage import Unfinished, asked_stages
from pipeline.suite import check_suite


def asked_by(experiment: Experiment) -> tuple[set[str], bool]:
    """The ids of the stages, and whether these are all: not where the experiment is unfinished."""
    laws: set[str] = set()
    with asked_stages() as asked:
        try:
            _ask_for_pool(experiment)
            laws = _laws(experiment)
        except INPUT_ERRORS as error:  # Unfinished among them
            note("gc", f"{experiment.name} is not finished as its file and sources are now: {error}")
            return asked, False
    return asked | laws, True


def _ask_for_pool(experiment: Experiment) -> None:
    corpus = experiment.corpus.finding
    ready_models(corpus)
    check_suite(corpus.stages, corpus.suite_file)
    pool = walk_stages(corpus, lambda _, work: work(lambda _done, _total: None))
    domain_contents(corpus.stages, pool)


def _laws(experiment: Experiment) -> set[str]:
    """The stages of the swarm's laws, of each kind that may be asked for; asks for the suite and later rounds too."""
    from pipeline.stages.laws import laws_stage  # with every law and solver

    known = look(experiment)
    if known.evidence is None or len(known.trained) < len(known.candidates):
        raise Unfinished("the swarm is not trained")
    question = question_of(experiment, known.evidence, list(known.candidates))
    plan = reuse_plan(experiment, experiment.corpus.finding.stages, known.evidence.pool)
    folded = fold_question(question, plan) if plan else question
    return {laws_stage(folded, law).id for law in LAW_NAMES} | laws_at_sizes(experiment, known.evidence)
