"""What an explorer looks at: a swarm with its laws and worlds, and its corpus where there is one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from flows.errors import ExperimentError
from flows.experiment import Experiment, load_experiment
from flows.explorer.state import State
from flows.from_files import SwarmFiles, question_from_files
from flows.recommended import find_recommendation
from flows.report.findings import Findings
from flows.report.gather import from_experiment, from_question
from flows.report.words import listed
from flows.settings.question import holdings_of
from mixes.errors import first_mistake
from mixes.optimum.holdings import Holdings
from mixes.recommendation.problem import Problem, problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.settings import RecommendSettings
from pipeline.pool.pool import Pool
from pipeline.stages.graph import finished_pool

HoldingsAt = Callable[[RecommendSettings], Holdings]


@dataclass(frozen=True)
class Explored:
    """A swarm that can be asked."""

    findings: Findings  # of the recommendation that the explorer opens with
    experiment: Experiment | None = None  # None for a swarm from files
    file: Path | None = None  # the experiment's; None for a swarm from files
    tokens: Path | None = None  # of a swarm from files
    holdings_at: HoldingsAt | None = None  # where caps depend on the budget

    @property
    def question(self) -> Question:
        """The question that the explorer opens with."""
        return self.findings.problem.question

    @property
    def catalog(self) -> Path | None:
        """What can be queried; None without a corpus."""
        return self.experiment.catalog if self.experiment and self.findings.corpus else None

    @property
    def workspace(self) -> Path:
        """The only folder that the explorer writes to."""
        return self.experiment.folder if self.experiment else Path.cwd()

    def asked(self, state: State) -> Question:
        """The question that a state poses.

        Raises:
            ExperimentError, MixError: a value is out of its range, or a name is unknown.
        """
        settings = settings_of(state, self.question.settings)
        holdings = self.holdings_at(settings) if self.holdings_at else self.question.holdings
        return replace(self.question, settings=settings, holdings=holdings)

    def problem(self, question: Question) -> Problem:
        """A question made ready."""
        return problem_of(question, self.findings.problem.fitted)


def settings_of(state: State, own: RecommendSettings) -> RecommendSettings:
    """The `recommend:` section of a state; own: what it changes.

    Raises:
        ExperimentError: a value is out of its range.
    """
    now = own.model_dump()
    changes = {name: getattr(state, name) for name in ("budget", "max_epochs", "pull")}
    if state.target:
        changes["target"] = dict(state.target)
    if state.pull is not None:
        now["pull_bpb"] = None
    if state.bounds:
        pins = {name: low if low == high else (low, high) for name, (low, high) in state.bounds.items()}
        changes["limits"] = {**now["limits"], "bounds": {**now["limits"]["bounds"], **pins}}
    try:
        return RecommendSettings(**{**now, **{name: value for name, value in changes.items() if value is not None}})
    except ValidationError as error:
        raise ExperimentError(first_mistake(error, RecommendSettings)) from None


def explored_experiment(file: Path, recommendation: str | None = None) -> Explored:
    """The experiment of a file, whose swarm is finished.

    Raises:
        ExperimentError: there is no recommendation yet, it is an answer at a size, or it is not by the swarm that the
            catalog shows.
    """
    experiment = load_experiment(file)
    if at := find_recommendation(experiment, recommendation).recommendation.at:
        raise ExperimentError(
            f"explore: {recommendation} is an answer at {at}, and the page answers at the swarm's own size only — "
            "`mixwright report` takes it"
        )
    findings = from_experiment(experiment, recommendation)
    holdings_at: HoldingsAt | None = None
    if experiment.upsampling and not experiment.reuse:
        pool = Pool(finished_pool(experiment.corpus))

        def holdings_at(settings: RecommendSettings) -> Holdings:
            return holdings_of(experiment.model_copy(update={"recommend": settings}), pool)

    return Explored(findings, experiment, file, holdings_at=holdings_at)


def explored_files(experiment: Experiment | None, settings: RecommendSettings, files: SwarmFiles) -> Explored:
    """A swarm from files; for the arguments see `question_from_files`.

    Raises:
        ExperimentError: its runs have several sizes.
        MixError: as `question_from_files`.
    """
    swarm, question = question_from_files(experiment, settings, files)
    sizes = [str(size) for size in question.runs.sizes if size is not None]
    if len(question.runs.sizes) > 1:
        raise ExperimentError(
            f"explore: the runs of {files.metrics} have {len(question.runs.sizes)} sizes ({listed(sizes)}), and the "
            "page answers for runs of one — give it those alone, or ask `recommend-mix` or `mixwright report` with --at"
        )
    return Explored(from_question(experiment, question, swarm.metrics), experiment, tokens=files.tokens)
