"""The flows as Prefect's workers start them: parameters that its page can ask for, and failures in one line.

The work itself is that of the command line. Prefect is imported here, so only where a flow is deployed or run by it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, tags
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.deploy.due import only_run_that_is_due
from flows.errors import INPUT_ERRORS, ExperimentError, machine_failure
from flows.experiment import Experiment, load_experiment
from flows.show import progress
from mixes.show.printable import one_line

NO_TARGET: dict[str, float] = {}  # the experiment's own


@flow(name="prepare-corpus", log_prints=False)
def prepare_corpus(experiment: str) -> Any:
    """Shards to pool.

    Args:
        experiment: Path of the experiment file, as the worker's machine sees it.
    """

    def work(loaded: Experiment) -> str:
        from flows.prepare import prepare_flow

        return prepare_flow(loaded).name

    return _run(experiment, work)


@flow(name="train-swarm", log_prints=False)
def train_swarm(experiment: str) -> Any:
    """Pool to scores; shards to pool first, where they have changed.

    Args:
        experiment: Path of the experiment file, as the worker's machine sees it.
    """

    def work(loaded: Experiment) -> int:
        from flows.recommend import evidence_flow

        _, (_, candidates) = evidence_flow(loaded)
        return len(candidates)

    return _run(experiment, work)


@flow(name="recommend-mix", log_prints=False)
def recommend_mix(
    experiment: str, target: dict[str, float] = NO_TARGET, budget: str = "", max_epochs: float | None = None
) -> Any:
    """Scores to a recommended mix. Of a swarm that is not finished, what is known so far.

    Args:
        experiment: Path of the experiment file, as the worker's machine sees it.
        target: Weight by family or task, as {"code": 0.7, "math": 0.3}. Empty: as in the file.
        budget: Tokens of the training run, as 6T or 300B. Empty: as in the file.
        max_epochs: How often a domain may repeat at the budget. None: as in the file.
    """

    def work(loaded: Experiment) -> str:
        from flows.deploy.from_scores import recommend_from_scores

        return recommend_from_scores(_asked(loaded, target, budget, max_epochs)).id

    return _run(experiment, work)


@flow(name="optimise-blend", log_prints=False)
def optimise_blend(
    experiment: str, target: dict[str, float] = NO_TARGET, budget: str = "", max_epochs: float | None = None
) -> Any:
    """Shards to a recommended mix: all three flows; finished work is skipped.

    Args:
        experiment: Path of the experiment file, as the worker's machine sees it.
        target: Weight by family or task, as {"code": 0.7, "math": 0.3}. Empty: as in the file.
        budget: Tokens of the training run, as 6T or 300B. Empty: as in the file.
        max_epochs: How often a domain may repeat at the budget. None: as in the file.
    """

    def work(loaded: Experiment) -> str:
        from flows.recommend import run_flow

        return run_flow(loaded, _asked(loaded, target, budget, max_epochs).recommend).id

    return _run(experiment, work)


def _asked(loaded: Experiment, target: dict[str, float], budget: str, max_epochs: float | None) -> Experiment:
    """The experiment with the parameters in place of its own settings."""
    from flows.settings.asked import asked

    targets = [f"{name}={weight}" for name, weight in target.items()] if target else None
    settings = asked(loaded, targets, None, None, None, budget=budget or None, max_epochs=max_epochs)
    return loaded.model_copy(update={"recommend": settings})


@contextmanager
def _logged() -> Iterator[None]:
    """Lines about stages reach the run's log on the server, too."""
    logger = get_run_logger()
    progress.listeners.append(logger.info)
    try:
        yield
    finally:
        progress.listeners.remove(logger.info)


def _run(experiment: str, work: Callable[[Experiment], Any]) -> Any:
    """What the work returns; a mistake that a user can mend is a failed state with one line, and no traceback."""
    try:
        path = Path(experiment)
        if not path.is_absolute():
            raise ExperimentError(
                f"experiment {experiment}: is a relative path, and a worker has its own — give all of it"
            )
        with (
            tags(*(flow_run.tags or ())),
            _logged(),
            only_run_that_is_due(),
        ):  # flows within this one are watched over, too
            return work(load_experiment(path))
    except INPUT_ERRORS as error:
        return Failed(message=one_line(str(error)))
    except Exception as error:
        failure = machine_failure(error)
        if failure is None:
            raise
        return Failed(message=one_line(failure))


@flow(name="refresh", log_prints=False)
def refresh(experiment: str) -> Any:
    """Looks at the sources, and says whether the standing recommendation should be kept or changed.

    Args:
        experiment: Path of the experiment file, as the worker's machine sees it.
    """

    def work(loaded: Experiment) -> str:
        from flows.refresh.refresh import refresh_flow

        return refresh_flow(loaded).verdict

    return _run(experiment, work)
