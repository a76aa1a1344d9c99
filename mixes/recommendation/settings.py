"""The `recommend:` section: target, budget, limits, and the certainty of intervals."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mixes.budget import parse_tokens
from mixes.errors import MixError, did_you_mean
from mixes.optimum.settings import LimitSettings
from mixes.target import HEAVIEST

LAW_NAMES = (
    "auto",
    "linear",
    "log_linear",
    "bimix",
    "transfer",
    "gp",
    "lightgbm",
)  # as mixes/laws/registry.py has them


WITHIN = 1e-3  # of 1, the sum of a mix of one's own: three decimals of rounding (assumed)


class RecommendSettings(BaseModel):
    """The `recommend:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    target: dict[str, float] = {}
    """Family or task → weight; empty is the mean over families."""
    standardise: Literal["noise", "spread"] | None = None
    """Count each task in units of its noise, or of its spread over mixes; needed where units differ."""
    budget: str | None = None
    """Tokens of the training run that the mix is for (6T, 300B, …); None is the pool's own tokens."""
    max_epochs: float = Field(4.0, gt=0, le=1_000)
    """Most times that a domain's tokens may repeat at the budget (OLMo 3: 4 to 7)."""
    limits: LimitSettings = LimitSettings()
    """What the mix must obey besides the epochs."""
    pull: float = Field(0.5, ge=0, le=1_000_000)
    """Weight of KL(mix ‖ natural), in units of the target's noise between two proxies of one mix."""
    pull_bpb: float | None = Field(None, ge=0, le=1_000_000)
    """Weight of that KL in the target's own unit (bpb) per nat, in place of `pull`; Olmix's `kl_reg`."""
    law: str = "auto"
    """Name of the law of every task; `auto` chooses by cross-validation."""
    robust: bool = False
    """Maximise the average gain over the worst 10 % of imagined worlds."""
    front: int = Field(0, ge=0, le=200)
    """Mixes on the Pareto front between families to compute; 0 is none."""
    compare: dict[str, dict[str, float]] = {}
    """Mixes of one's own to score beside the recommended one: name → domain → share; they sum to 1."""
    replicates: int = Field(200, ge=20, le=10_000)
    """Imagined worlds behind the intervals."""
    coverage: float = Field(0.9, gt=0, lt=1)
    """Nominal coverage of the intervals."""

    @field_validator("budget")
    @classmethod
    def _is_a_number_of_tokens(cls, budget: str | None) -> str | None:
        try:
            if budget is not None:
                parse_tokens(budget)
        except MixError:
            raise ValueError("is not a number of tokens above 0 — write for example 6T, 300B or 25M") from None
        return budget

    @field_validator("law")
    @classmethod
    def _is_known(cls, law: str) -> str:
        if law not in LAW_NAMES:
            raise ValueError(f"no law has that name — {did_you_mean(law, LAW_NAMES)}")
        return law

    @field_validator("compare")
    @classmethod
    def _are_mixes(cls, compare: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for name, mix in compare.items():
            below = [domain for domain, weight in mix.items() if weight < 0]
            if below:
                raise ValueError(f"mix {name!r}: the share of {below[0]!r} is {mix[below[0]]:g}, below 0")
            if abs(sum(mix.values()) - 1) > WITHIN:
                raise ValueError(f"mix {name!r}: shares sum to {sum(mix.values()):.6g}, not 1 — scale them")
        return compare

    @field_validator("target")
    @classmethod
    def _is_a_target(cls, target: dict[str, float]) -> dict[str, float]:
        for name, weight in target.items():
            if not 0 <= weight <= HEAVIEST:
                raise ValueError(f"weight of {name!r} is {weight:g}, must be from 0 to {HEAVIEST:g}")
        if target and not any(target.values()):
            raise ValueError("every weight is 0 — give at least one family a positive weight")
        return target
