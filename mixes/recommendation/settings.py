"""The `recommend:` section: target, budget, limits, and the certainty of intervals."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixes.optimum.settings import LimitSettings


class RecommendSettings(BaseModel):
    """The `recommend:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: dict[str, float] = {}
    """Family or task → weight; empty is the mean over families."""
    standardise: Literal["noise", "spread"] | None = None
    """Count each task in units of its noise, or of its spread over mixes; needed where units differ."""
    budget: str | None = None
    """Tokens of the training run that the mix is for (6T, 300B, …); None is the pool's own tokens."""
    max_epochs: float = Field(4.0, gt=0)
    """Most times that a domain's tokens may repeat at the budget (OLMo 3: 4 to 7)."""
    limits: LimitSettings = LimitSettings()
    """What the mix must obey besides the epochs."""
    pull: float = Field(0.5, ge=0)
    """Weight of KL(mix ‖ natural), in units of the target's noise between two proxies of one mix."""
    law: str = "auto"
    """Name of the law of every task; `auto` chooses by cross-validation."""
    robust: bool = False
    """Maximise the average gain over the worst 10 % of imagined worlds."""
    front: int = Field(0, ge=0, le=200)
    """Mixes on the Pareto front between families to compute; 0 is none."""
    replicates: int = Field(200, ge=20)
    """Imagined worlds behind the intervals."""
    coverage: float = Field(0.9, gt=0, lt=1)
    """Nominal coverage of the intervals."""
