"""A recommendation: the mix, its predicted gain with intervals, the verdict, and cautions."""

from dataclasses import asdict, dataclass
from typing import Literal

from mixes.certainty.verdict import Verdict
from mixes.recommendation.forgetting import Forgotten

CautionKind = Literal[
    "outside_swarm",
    "on_bound",
    "spans_natural",
    "few_runs",
    "optimism",
    "missed_alike",
    "noisier_mix",
    "unclear_tasks",
    "unclear_families",
    "larger_size",
]
Reference = Literal["natural", "centre"]


@dataclass(frozen=True)
class Caution:
    """One line, and the domains or tasks that it concerns."""

    kind: CautionKind
    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Predicted:
    """A task's, family's or the target's scores under three mixes, in its own unit (bpb as a rule).

    `mix` is what a proxy on the recommended mix is expected to score: the law's prediction, corrected by the mean
    optimism that choosing a mix by fitted laws brings. gain = natural − mix, so more is better.
    """

    mix: float
    natural: float  # or the swarm's centre, see Recommendation.reference
    uniform: float
    gain: float
    gain_low: float
    gain_high: float
    chance: float  # that the mix beats natural
    mix_low: float  # a single proxy's score on the mix lies between mix_low and mix_high
    mix_high: float
    noise: float  # standard deviation of the difference between two proxies of equally good mixes
    optimism: float  # by how much the laws overstate the gain, mean over imagined worlds; it is taken off already
    error: float  # held-out error of the laws behind it, weighted mean over tasks


@dataclass(frozen=True)
class LawRow:
    """How well a task's law predicts mixes that it has not seen, in the task's own unit (bpb as a rule)."""

    name: str  # of the law that cross-validation chose
    error: float  # root mean squared held-out error, the choice of law included
    rank_correlation: float  # Spearman between held-out predictions and scores
    noise: float  # standard deviation of a score among others of its seed
    spread: float  # standard deviation of the score over mixes
    precision: float  # how many single runs the mix of most seeds counts for
    errors: dict[str, float]  # law → its own held-out error
    rank_correlations: dict[str, float]  # law → its own
    behind: dict[str, float]  # law → mean absolute error above the best law's …
    behind_errors: dict[str, float]  # … and the standard error of that


@dataclass(frozen=True)
class FrontMix:
    """One of the mixes between which families have to be weighed: none is better for all."""

    target: dict[str, float]  # family → weight of the target that this mix is best for
    mix: dict[str, float]
    predicted: dict[str, float]  # family → score by the laws


ONE_CAP = "no cap on "  # how the names of best mixes without one cap begin
BesideKind = Literal["simple", "given", "uncapped", "one_cap", "worst"]


@dataclass(frozen=True)
class Beside:
    """Another mix than the recommended one, on the target; a gain above 0 is better."""

    name: str
    kind: BesideKind  # takes no swarm; one's own; best without caps; best without one of them; worst within the limits
    mix: dict[str, float]
    against: str  # what its gain is counted from: the reference, or another mix of one's own
    gain: float  # of mixes that laws chose, after the optimism that the choice has
    gain_low: float
    gain_high: float
    families: dict[str, float]  # family → gain over the reference, by the laws
    behind: float  # what the recommended mix gains over this one
    behind_low: float
    behind_high: float
    verdict: Verdict  # of the recommended mix against this one
    allowed: bool  # whether it meets the limits


@dataclass(frozen=True)
class Recommendation:
    """Everything `recommend-mix --json` prints."""

    id: str
    mix: dict[str, float]
    natural: dict[str, float]  # what the mix is compared with
    reference: Reference  # what that is: the natural mix, or where that is unknown the mean of the swarm's mixes
    intervals: dict[str, tuple[float, float]]
    epochs: dict[str, float]  # at the budget; empty where the available tokens are unknown
    caps: dict[str, float]  # domains whose weight lies on its cap, and the cap
    binding: dict[str, float]  # limit → what 0.01 more of it would gain on the target (nats of KL for the closest mix)
    target: dict[str, float]  # task → weight
    families: dict[str, dict[str, float]]  # family → task → weight; tasks that no mix moves beyond noise are left out
    standardised: Literal["noise", "spread"] | None  # what a task's weight is divided by; the target has no unit then
    predicted: dict[str, Predicted]  # target, families, tasks
    forgotten: dict[str, Forgotten]  # target, families, tasks; empty where proxies start from no checkpoint
    verdict: dict[str, Verdict]  # target and families
    summary: str  # the verdict in words
    cautions: tuple[Caution, ...]
    marginal: dict[str, dict[str, float]]  # domain → family → change of its score by one more percent; less is better
    law: dict[str, LawRow]  # by task
    gap: float | None  # no mix within the limits is predicted better by more; None: searched, not proven
    noise_from: Literal["replicates", "residuals"]
    front: tuple[FrontMix, ...]  # where asked for
    budget: float | None
    max_epochs: float
    evidence: dict[str, str]
    coverage: float = 0.9  # nominal, of every interval
    beside: tuple[Beside, ...] = ()  # other mixes, to compare with
    regret: float | None = None  # what the best mix within the limits is expected to gain over this one, on the target
    at: str | None = None  # size of the proxies that the predictions are for, parameters:tokens; None: the swarm's own

    def to_json(self) -> dict:
        """Plain values."""
        return asdict(self)
