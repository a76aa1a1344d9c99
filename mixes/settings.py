"""The `recommend:` section: target, budget, caps, and how sure to be. Knows nothing of the solvers."""

from pydantic import BaseModel, ConfigDict, Field


class RecommendSettings(BaseModel):
    """The `recommend:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: dict[str, float] = {}
    """Family or task → weight; empty is the mean over families."""
    budget: str | None = None
    """Tokens of the training run that the mix is for (6T, 300B, …); None is the pool's own tokens."""
    max_epochs: float = Field(4.0, gt=0)
    """Most times that a domain's tokens may repeat at the budget (OLMo 3: 4 to 7)."""
    pull: float = Field(0.5, ge=0)
    """Weight of KL(mix ‖ natural), in units of the target's noise between two proxies of one mix."""
    law: str = "auto"
    """Name of the law of every task; `auto` chooses by cross-validation."""
    replicates: int = Field(200, ge=20)
    """Bootstrap replicates behind the intervals."""
    coverage: float = Field(0.9, gt=0, lt=1)
    """Nominal coverage of the intervals."""
