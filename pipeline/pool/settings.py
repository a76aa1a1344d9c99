"""The `pool:` and `tokenizer:` sections."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

END = "<|endoftext|>"


class PoolSettings(BaseModel):
    """The `pool:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    validation_share: float = Field(0.02, gt=0, lt=0.5)
    """Share of a domain's text that is held out for validation."""
    validation_bytes: int = Field(400_000, ge=1, le=10_000_000_000_000)
    """Most text that is held out of a domain."""
    quality_parts: Literal[2, 3] | None = None
    """Cut each scored domain by quality into this many parts of about equal tokens: `web@low`, `web@middle`,
    `web@high`. Each is a domain of the swarm, so that the recommendation says how much of each to take. In place of
    `upsampling:`."""


class TokenizerSettings(BaseModel):
    """The `tokenizer:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str | None = Field(None, min_length=1)
    """A tokenizer.json to use as it is, relative to the experiment file; None trains one. A special token that
    appears in a text is text."""
    vocabulary: int = Field(2048, ge=300, le=65_536)
    """Tokens of a trained one. Small, since a proxy's head costs as much as its layers."""
    bytes_a_domain: int = Field(1_500_000, ge=10_000, le=1_000_000_000_000)
    """Text of each domain that it is trained on."""
    end: str = END
    """The token that ends a document."""
