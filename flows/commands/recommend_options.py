"""Options that replace fields of the experiment file's `recommend:` section."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.errors import ExperimentError

if TYPE_CHECKING:
    from flows.experiment import Experiment
    from mixes.recommendation.settings import RecommendSettings

Target = Annotated[
    list[str] | None, typer.Option(help="family=weight or task=weight; repeatable. Default: the mean over families.")
]
Budget = Annotated[str | None, typer.Option(help="Tokens of your training run: 6T, 300B, 25M.")]
MaxEpochs = Annotated[
    float | None, typer.Option(help="Largest number of times that a domain may repeat at the budget.")
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        help="family=0.02: by the laws, its bpb may be at most 0.02 worse than natural's, or with proxy.init_from "
        "than the checkpoint's; repeatable."
    ),
]
BoundOption = Annotated[
    list[str] | None, typer.Option(help="web/*=0.3:0.8 (their sum), code=:0.5 or books=0.1 (exactly); repeatable.")
]
Closest = Annotated[
    float | None, typer.Option(help="0.9: take the mix closest to natural that reaches 90 % of the possible gain.")
]
Robust = Annotated[
    bool, typer.Option("--robust", help="Maximise the average gain over the worst 10 % of simulated worlds.")
]
Standardise = Annotated[
    str | None,
    typer.Option(help="noise or spread: measure each task in units of its noise, or of its spread over mixes."),
]
LawName = Annotated[str | None, typer.Option(help="Law for every task. Default: auto, chosen by cross-validation.")]


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

    limits = {"keep": _numbers("keep", keep), "bounds": _bounds(bound), "closest": closest}
    changes["target"] = _numbers("target", target)
    now = (experiment.recommend if experiment else RecommendSettings()).model_dump()
    given = {
        **changes,
        "limits": {**now["limits"], **{name: value for name, value in limits.items() if value is not None}},
    }
    try:
        return RecommendSettings(**{**now, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        raise ExperimentError(f"recommend: {first_mistake(error, RecommendSettings)}") from None


def _numbers(option: str, given: list[str] | None) -> dict[str, float] | None:
    """`["code=0.7", "math=0.3"]` as a dictionary."""
    if not given:
        return None
    named = {}
    for text in given:
        name, _, value = text.rpartition("=")
        if name.strip() in named:
            raise ExperimentError(f"--{option} {text!r}: {name.strip()!r} is given twice — give it once")
        try:
            named[name.strip()] = float(value)
        except ValueError:
            raise ExperimentError(f"--{option} {text!r}: write family=number, for example code=0.7") from None
    return named


def _bounds(given: list[str] | None) -> dict[str, Any] | None:
    """`["web/*=0.3:0.8", "books=0.1"]` as the experiment file's `bounds`."""
    if not given:
        return None
    bounds: dict[str, Any] = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            ends = [float(end) if end.strip() else None for end in value.split(":")]
        except ValueError:
            ends = []
        if name.strip() in bounds:
            raise ExperimentError(f"--bound {text!r}: {name.strip()!r} is given twice — give it once, as low:high")
        if not name or len(ends) not in (1, 2) or not any(end is not None for end in ends):
            raise ExperimentError(f"--bound {text!r}: write domain=low:high or domain=weight, as web/*=0.3:0.8")
        bounds[name.strip()] = ends[0] if len(ends) == 1 else ends
    return bounds
