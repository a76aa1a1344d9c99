"""The `suite:` section."""

from pydantic import BaseModel, ConfigDict, Field


class SuiteSettings(BaseModel):
    """The `suite:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str = Field(min_length=1)
    """JSON lines (.jsonl, .gz, .zst), relative to the experiment file."""
    items: int = Field(64, ge=4, le=1_000_000)
    """Items of each task that every proxy is scored on (measured: 64 cost 6 % of a proxy's training)."""
