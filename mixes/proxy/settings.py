"""The `proxy:` section: how large a proxy is and how long it trains. Knows nothing of torch."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


@dataclass(frozen=True)
class Shape:
    """Sizes of one proxy's layers."""

    width: int
    layers: int
    heads: int
    hidden: int  # of the SwiGLU, about 8/3 × width

    @property
    def non_embedding(self) -> int:
        """Parameters outside the embedding table, norms left out: what a size's name counts."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.hidden)


SIZES: dict[str, Shape] = {
    "100k": Shape(width=96, layers=1, heads=3, hidden=256),
    "200k": Shape(width=96, layers=2, heads=3, hidden=256),
    "400k": Shape(width=128, layers=2, heads=4, hidden=352),
    "1M": Shape(width=160, layers=3, heads=5, hidden=448),
    "4M": Shape(width=256, layers=5, heads=4, hidden=704),
    "15M": Shape(width=384, layers=8, heads=6, hidden=1056),
    "30M": Shape(width=512, layers=10, heads=8, hidden=1376),
}

SizeName = Literal["100k", "200k", "400k", "1M", "4M", "15M", "30M"]


class ProxySettings(BaseModel):
    """How every proxy of a swarm is shaped, trained and evaluated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: SizeName = "200k"
    """Named by non-embedding parameters; the table is in mixes/proxy/settings.py."""
    tokens: int = Field(655_360, gt=0)
    """Tokens that one proxy trains on."""
    context: int = Field(256, ge=16, le=8192)
    """Tokens of one sequence."""
    batch: int = Field(8, ge=1)
    """Sequences of one step."""
    learning_rate: float = Field(4e-3, gt=0)
    """AdamW's peak rate (measured on the sample; larger proxies want less)."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps over which the rate rises."""
    decay: float = Field(0.4, gt=0, le=1)
    """Share of the steps over which the rate falls linearly to zero, at the end."""
    weight_decay: float = Field(0.1, ge=0)
    """AdamW's decay of the weight matrices; norms are left alone."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where proxies train; recorded, because scores differ in their last digits between devices."""

    @property
    def shape(self) -> Shape:
        """The layer sizes behind the name."""
        return SIZES[self.size]

    @property
    def steps(self) -> int:
        """Optimiser steps; tokens beyond the last whole batch are not trained on."""
        return self.tokens // (self.batch * self.context)

    @model_validator(mode="after")
    def _check(self) -> "ProxySettings":
        if self.steps < 1:
            raise ValueError(f"tokens is {self.tokens}, less than one batch of {self.batch} × {self.context}")
        return self
