"""What is asked, in place of the experiment file's `recommend:` section: by options, or by a form."""

from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError
from flows.settings.given import bounds_of, named_numbers

if TYPE_CHECKING:
    from flows.experiment import Experiment
    from mixes.recommendation.settings import RecommendSettings


def asked(
    experiment: "Experiment | None",
    target: list[str] | None,
    keep: list[str] | None,
    bound: list[str] | None,
    closest: float | None,
    **changes: Any,
) -> "RecommendSettings":
    """The experiment's `recommend:` settings, or the defaults, with the options' changes; None changes nothing."""
    from pydantic import ValidationError

    from mixes.errors import first_mistake
    from mixes.recommendation.settings import RecommendSettings

    limits = {"keep": named_numbers("keep", keep), "bounds": bounds_of(bound), "closest": closest}
    changes["target"] = named_numbers("target", target)
    now = (experiment.recommend if experiment else RecommendSettings()).model_dump()
    given = {
        **changes,
        "limits": {**now["limits"], **{name: value for name, value in limits.items() if value is not None}},
    }
    try:
        return RecommendSettings(**{**now, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        raise ExperimentError(f"recommend: {first_mistake(error, RecommendSettings)}") from None
