"""The recommendation in a program: asked with keywords, shown as a table, frames or a chart."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from pydantic import ValidationError

from mixes.api.swarm import Swarm, check_swarm
from mixes.errors import MixError, first_mistake
from mixes.laws.fit import AUTO
from mixes.recommendation import result
from mixes.recommendation.from_tables import check_domains, in_own_direction, question_of_swarm
from mixes.recommendation.recommend import recommend as recommend_for
from mixes.recommendation.settings import RecommendSettings
from mixes.show.frames import scores_frame, weights_frame
from mixes.show.html import recommendation_html
from mixes.show.recommendation import Shown, recommendation_text
from mixes.tables.given import given_tokens
from mixes.tables.metrics import Direction

if TYPE_CHECKING:
    import altair

LIMITS = ("bounds", "epochs", "near", "most_kl", "keep", "closest")  # arguments that are fields of `limits`


@dataclass(frozen=True, repr=False)
class Recommendation(result.Recommendation):
    """The best mix, with its intervals, predicted scores and verdict. Every field is a plain value.

    `mix`, `natural`, `intervals`, `epochs`, `caps` are by domain; `predicted` has "target", each family and each task;
    `verdict` has "target" and each family; `summary` says the verdict in words, `cautions` what to know before using
    the mix. `beside` has other mixes to compare with: simple ones, one's own, the worst, the best without caps.
    `regret` is what the best mix is expected to gain over this one.
    """

    unit: str = "bpb"  # of the target's scores
    direction: Direction = "lower"  # which of them are better

    def weights(self) -> pl.DataFrame:
        """One row per domain, the largest weight first.

        Columns: `domain`, `natural_weight`, `weight`, `low`, `high` (the 90 % interval), `ratio` (weight ÷ natural),
        `epochs` at the budget, `capped`.
        """
        return weights_frame(self)

    def scores(self) -> pl.DataFrame:
        """One row for the target, each family and each task.

        Columns: `name`, `kind`, `natural`, `uniform`, `recommended` (predicted scores), `gain` (above 0 is better),
        `gain_low`, `gain_high` (its 90 % interval), `chance` (that the mix is better), `noise` (of a difference
        between two proxies), `verdict`.
        """
        return scores_frame(self)

    def plot(self) -> "altair.LayerChart | altair.FacetChart":
        """Each domain's natural and recommended weight, with intervals, as an Altair chart.

        A notebook shows it; `.save("mix.html")` writes it to a file.

        Raises:
            MixError: Altair is not installed.
        """
        from mixes.show.chart import weights_chart

        return weights_chart(self)

    def __repr__(self) -> str:
        return recommendation_text(self, Shown(self.unit, self.direction))

    def _repr_html_(self) -> str:
        return recommendation_html(self, Shown(self.unit, self.direction))


def recommend(
    swarm: Swarm,
    *,
    target: Mapping[str, float] | str | None = None,
    tokens: Any = None,
    budget: str | float | None = None,
    max_epochs: float = 4.0,
    bounds: Mapping[str, Any] | None = None,
    epochs: Mapping[str, float] | None = None,
    keep: Mapping[str, float] | None = None,
    near: Mapping[str, float] | None = None,
    most_kl: float | None = None,
    closest: float | None = None,
    pull: float = 0.5,
    pull_bpb: float | None = None,
    robust: bool = False,
    standardise: Literal["noise", "spread"] | None = None,
    front: int = 0,
    compare: Mapping[str, Mapping[str, float]] | None = None,
    law: str = AUTO,
    at: str | None = None,
    replicates: int = 200,
    coverage: float = 0.9,
    seed: int = 0,
    progress: bool = True,
) -> Recommendation:
    """The mix that lowers the target's scores most, within the limits; how sure that is; and what it costs.

    Minimises the laws' weighted score plus a pull to the natural mix, over all mixes within the limits. The intervals
    come from imagined worlds whose truth is known. The first call for a swarm takes from seconds to two minutes (100
    tasks on two busy cores); another target, budget or limit takes a few seconds.

    Args:
        swarm: what `read_swarm` returned.
        target: family or task → weight, or the name of one; None is the mean over families of the mean over their
            tasks.
        tokens: domain → available tokens: a mapping, a file or data frame of domain,tokens. Without it the natural mix
            is not known, and no epochs are counted.
        budget: tokens of the training run that the mix is for, as a number or "6T"; None is every available token once.
        max_epochs: most times that a domain's tokens may repeat at the budget.
        bounds: domain or pattern → (least, most) weight, None for no limit, or one number that pins it.
        epochs: domain or pattern → most epochs, in place of `max_epochs`.
        keep: family or task → how much worse its score may be than natural's, by the laws (without `tokens`, than the
            mean of the swarm's mixes).
        near: the mix that `pull`, `most_kl` and `closest` refer to; None is the natural mix.
        most_kl: most KL(mix ‖ natural), in nats.
        closest: take the mix nearest to natural that keeps at least this share (0 to 1) of the gain.
        pull: weight of KL(mix ‖ natural), in units of the target's noise.
        pull_bpb: the same weight in the target's own unit per nat, in place of `pull`; Olmix's `kl_reg`.
        robust: maximise the average gain over the worst 10 % of the imagined worlds.
        standardise: count each task in units of its noise or of its spread; needed where units differ.
        front: how many mixes of the Pareto front between families to compute.
        compare: name → mix (domain → share) of one's own, to score beside the recommended one.
        law: the form of every law; `auto` chooses by cross-validation.
        at: "1B:20B" (parameters:tokens), the size that the answer is for, where the runs have several sizes; tokens
            may be left out where all runs have as many per parameter.
        replicates: imagined worlds behind the intervals.
        coverage: nominal coverage of the intervals.
        seed: random seed of the folds and the imagined worlds.
        progress: whether a bar is shown, in a terminal or a notebook.

    Returns:
        The recommendation. Scores of accuracies keep their own sign.

    Raises:
        MixError: an unknown target or domain, a wrong number, or limits that contradict each other.

    Example:
        best = mixes.recommend(swarm, target={"code": 0.7, "math": 0.3}, tokens="tokens.csv", budget="6T")
        best.mix["code"], best.intervals["code"], best.predicted["target"].gain, best.verdict["target"]
    """
    given = {
        name: value for name, value in locals().items() if name not in ("swarm", "tokens", "seed", "progress", "at")
    }
    settings, swarm = _settings(given), check_swarm(swarm)
    available = given_tokens(tokens) if tokens is not None else swarm.tokens
    if available:
        check_domains("tokens", available, swarm.scored)
    natural = None if tokens is not None else swarm.natural
    question = question_of_swarm(swarm.scored, settings, available, natural, seed, swarm.seeds, swarm.checkpoint, at)
    fitted = swarm.fitted(law, seed, show=progress, at=question.at)
    worlds_of = partial(swarm.worlds, law, seed, question.at, show=progress)
    recommendation = in_own_direction(recommend_for(question, fitted, worlds_of), swarm.scored.metrics)
    first = next(task for task, weight in recommendation.target.items() if weight)
    metric = swarm.scored.metrics[first]
    values = {field.name: getattr(recommendation, field.name) for field in fields(recommendation)}
    return Recommendation(**values, unit=metric.unit, direction=metric.direction)


def _settings(given: dict[str, Any]) -> RecommendSettings:
    """The arguments as the `recommend:` section; its errors name the argument."""
    given = {name: value for name, value in given.items() if value is not None}
    if isinstance(given.get("target"), str):
        given["target"] = {given["target"]: 1.0}
    budget = given.get("budget")
    if budget is not None and not isinstance(budget, str):
        given["budget"] = _tokens_text(budget)
    given["limits"] = {name: given.pop(name) for name in LIMITS if name in given}
    try:
        return RecommendSettings.model_validate(given)
    except ValidationError as error:
        raise MixError(first_mistake(error, RecommendSettings).removeprefix("limits.")) from None


def _tokens_text(budget: Any) -> str:
    """A number of tokens as the settings have it; anything else as it is written, for the message."""
    try:
        return str(int(budget)) if budget == int(budget) and not isinstance(budget, bool) else str(budget)
    except (TypeError, ValueError, OverflowError):
        return str(budget)
