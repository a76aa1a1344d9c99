"""The `proxy:` section: how large a proxy is, how long it trains, and what follows from that. Does not import torch.

Batch and learning rate follow the size by powers from Porian et al. 2024 (arXiv 2406.19146), which OLMo's ladder of
small models takes too (arXiv 2412.04403): batch ∝ N^(2/3), rate ∝ N^(-1/3) for N non-embedding parameters. Both
start from what was measured on the sample at 200k, where the ladder's own constants, fitted on models of 5M and more,
would give 2.3 times the batch and 2.5 times the rate. Measured with a batch of 8 × 256 and 655,360 tokens, last loss in
nats at peak rates 8e-3, 1e-2, 1.6e-2, 2.4e-2: 4.546, 4.534, 4.524, 4.545; at 1M a rate of 5.8e-3 was 0.03 nats worse
than one of 1.2e-2.

From a saved proxy (`init_from`) the rate starts at a quarter and falls over all steps, as OLMo 3's midtraining lets it
fall: the peak of a training from the seed undoes what was learned. Measured at 200k with 131,072 tokens after 655,360,
target in bpb (3.348 before), mean of three mixes in two seeds, at rates 1.6e-2, 8e-3, 4e-3: 3.379, 3.329, 3.313 with a
decay of 0.4, and 3.354, 3.322, 3.312 with 1; at 2e-3 with 1 it is 3.315, at 4e-3 without warm-up 3.314.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

TOKENS_A_PARAMETER = 20  # of a Chinchilla multiple of 1 (arXiv 2203.15556)
MEASURED_AT = "200k"
MEASURED_BATCH = 2_048  # tokens of a step
MEASURED_RATE = 1.6e-2
ANNEALED = 0.25  # of the peak rate, from a saved proxy (measured, see above)
LONGEST_WARMUP = 0.05  # share of the steps; at 20 tokens per parameter it is one token per parameter


@dataclass(frozen=True)
class Shape:
    """Sizes of one proxy's layers."""

    width: int
    layers: int
    heads: int
    hidden: int  # of the SwiGLU, about 8/3 × width

    @property
    def non_embedding(self) -> int:
        """Parameters outside embedding and head, norms left out: what a size's name counts."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.hidden)


SIZES: dict[str, Shape] = {
    "100k": Shape(width=96, layers=1, heads=3, hidden=256),
    "200k": Shape(width=96, layers=2, heads=3, hidden=256),
    "400k": Shape(width=128, layers=2, heads=4, hidden=352),
    "1M": Shape(width=160, layers=3, heads=5, hidden=448),
    "4M": Shape(width=256, layers=5, heads=4, hidden=704),
    "15M": Shape(width=384, layers=8, heads=6, hidden=1056),
    "30M": Shape(width=512, layers=10, heads=8, hidden=1376),
    "60M": Shape(width=640, layers=12, heads=10, hidden=1712),
    "190M": Shape(width=1024, layers=15, heads=16, hidden=2736),
}


def _relative(size: str) -> float:
    """How many times larger a size is than the one that was measured."""
    return SIZES[size].non_embedding / SIZES[MEASURED_AT].non_embedding


def rule_tokens(given: Mapping[str, Any]) -> int:
    """Tokens of a proxy: 20 per non-embedding parameter, times the Chinchilla multiple."""
    return round(TOKENS_A_PARAMETER * SIZES[given["size"]].non_embedding * given["chinchilla"])


def rule_batch(given: Mapping[str, Any]) -> int:
    """Sequences of a step: ∝ N^(2/3) in tokens."""
    return max(1, round(MEASURED_BATCH * _relative(given["size"]) ** (2 / 3) / given["context"]))


def rule_rate(given: Mapping[str, Any]) -> float:
    """Peak learning rate: ∝ N^(-1/3), to three digits; ANNEALED of it from a saved proxy."""
    share = ANNEALED if given["init_from"] else 1.0
    return float(f"{share * MEASURED_RATE * _relative(given['size']) ** (-1 / 3):.3g}")


def rule_decay(given: Mapping[str, Any]) -> float:
    """Share of the steps over which the rate falls: all of them from a saved proxy, as in OLMo 3's midtraining."""
    return 1.0 if given["init_from"] else 0.4


def rule_warmup(given: Mapping[str, Any]) -> float:
    """Share of the steps: as many tokens as there are parameters, as in OLMo's ladder, and never more than 5 %."""
    return float(f"{min(LONGEST_WARMUP, SIZES[given['size']].non_embedding / given['tokens']):.3g}")


class ProxySettings(BaseModel):
    """How every proxy of a swarm is shaped, trained and evaluated. What is left out follows from the size."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    size: str = "200k"
    """Named by non-embedding parameters: 100k, 200k, 400k, 1M, 4M, 15M, 30M, 60M, 190M."""
    context: int = Field(256, ge=16, le=8192)
    """Tokens of one sequence."""
    init_from: str | None = Field(None, min_length=1)
    """A saved proxy of the same shape and tokenizer to start from, relative to the experiment file; None starts from
    the seed."""
    chinchilla: float = Field(1.0, gt=0, le=1_000)
    """Tokens that one proxy trains on, as a multiple of 20 per non-embedding parameter."""
    tokens: int = Field(default_factory=rule_tokens, gt=0, le=100_000_000_000_000)
    """Tokens that one proxy trains on; where it is set, `chinchilla` is ignored."""
    batch: int = Field(default_factory=rule_batch, ge=1, le=1_000_000)
    """Sequences of one step."""
    learning_rate: float = Field(default_factory=rule_rate, gt=0, le=100)
    """AdamW's peak rate; from a saved proxy a quarter of what it is from the seed."""
    warmup: float = Field(default_factory=rule_warmup, ge=0, lt=1)
    """Share of the steps over which the rate rises."""
    decay: float = Field(default_factory=rule_decay, gt=0, le=1)
    """Share of the steps over which the rate falls linearly to zero, at the end: 0.4, and 1 from a saved proxy."""
    weight_decay: float = Field(0.1, ge=0, le=100)
    """AdamW's decay of the weight matrices; norms, embedding and head are left alone."""
    tied: bool = True
    """Whether the head is the embedding, transposed; OLMo 3's is not, but in a small proxy it would be half of it."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where proxies train; recorded, because scores differ in their last digits between devices."""
    deterministic: bool = False
    """On a GPU, only kernels that give the same bits again; slower. On a CPU it is always so."""
    cohort: int | None = Field(None, ge=1, le=100_000)
    """Proxies trained together in one program; None fits as many as the GPU's free memory holds, one on a CPU."""
    checkpoint_seconds: float = Field(300, gt=0, le=10_000_000_000)
    """Seconds between checkpoints, from which a killed cohort goes on."""
    keep_models: bool = False
    """Whether trained proxies are saved, in records/models, for `init_from`."""

    @property
    def shape(self) -> Shape:
        """The layer sizes behind the name."""
        return SIZES[self.size]

    @property
    def steps(self) -> int:
        """Optimiser steps; tokens beyond the last whole batch are not trained on."""
        return self.tokens // (self.batch * self.context)

    @property
    def trained(self) -> int:
        """Tokens that one proxy does train on: those of whole steps."""
        return self.steps * self.batch * self.context

    def decisive(self) -> dict[str, Any]:
        """Everything that decides a score: neither how tokens were counted nor how the work is organised."""
        aside = {"chinchilla", "cohort", "checkpoint_seconds", "keep_models", "init_from"}
        return self.model_dump(mode="json", exclude=aside)

    @field_validator("size")
    @classmethod
    def _on_the_ladder(cls, size: str) -> str:
        if size not in SIZES:
            raise ValueError(f"no such size — the ladder is {', '.join(SIZES)}")
        return size

    @model_validator(mode="after")
    def _check(self) -> "ProxySettings":
        if self.steps < 1:
            raise ValueError(f"tokens is {self.tokens}, less than one batch of {self.batch} × {self.context}")
        return self


def is_torch_installed() -> bool:
    """Whether proxies can train here; torch itself is not imported, which takes seconds."""
    try:
        return find_spec("torch") is not None
    except ValueError:  # switched off in sys.modules
        return False
