"""The `refresh:` section: when sources have changed enough to ask again. It changes no result of its own."""

from pydantic import BaseModel, ConfigDict, Field


class RefreshSettings(BaseModel):
    """The `refresh:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    moved: float = Field(0.05, gt=0, le=1)
    """Share of a domain's tokens that must be new or gone before the mix is found anew."""
