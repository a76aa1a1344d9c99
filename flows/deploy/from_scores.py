"""Flow 3 by itself: a recommendation from what the work folder holds, without making a pool or training a proxy."""

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.plan.known import look
from flows.recommend import recommend_flow
from flows.settings.check import check_on_pool
from flows.so_far import told_so_far
from mixes.recommendation.result import Recommendation


def recommend_from_scores(experiment: Experiment) -> Recommendation:
    """The recommendation of a finished swarm.

    Raises:
        ExperimentError: there is no swarm, or it is not finished; then with what is known so far.
    """
    known = look(experiment)
    all_of = len(known.candidates)
    trained = all_of - known.left
    if known.evidence is None or not trained:
        raise ExperimentError(
            f"experiment {experiment.name}: no proxy of its swarm is trained yet — run train-swarm or optimise-blend"
        )
    check_on_pool(experiment, experiment.recommend, known.evidence.pool)
    if trained < all_of:
        mixes = len({candidate.mix for candidate in known.candidates})
        raise ExperimentError(
            f"experiment {experiment.name}: {trained} of {all_of} proxies are trained — run train-swarm for the rest; "
            f"so far: {'; '.join(told_so_far(experiment, known.evidence, list(known.trained), mixes))}"
        )
    return recommend_flow(experiment, known.evidence, list(known.candidates))
