"""The `refresh:` section: when sources have changed enough to ask again. It changes no result of its own."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RefreshSettings(BaseModel):
    """The `refresh:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    moved: float = Field(0.05, gt=0, le=1)
    """Share of a domain's tokens that must be new or gone before the mix is found anew."""
    reuse: Literal["runs", "recommendation"] = "runs"
    """What is kept when the mix is found anew: earlier runs, as evidence beside a small new swarm, or the standing
    recommendation's proportions of unchanged domains. Runs need fewer proxies for the same gain (measured). Where they
    cannot be compared with new ones, because the tokenizer or a domain that they read has changed, proportions are
    kept."""
