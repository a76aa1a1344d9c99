"""The `decontaminate:` section."""

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DecontaminateSettings(BaseModel):
    """The `decontaminate:` section. "decon" beside a number: AI2's, from its config/default.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether documents that contain eval items are dropped."""
    ngram: int = Field(5, ge=2, le=13)
    """Words of the n-grams that questions are found by (decon)."""
    sample_every: int = Field(1, ge=1, le=1_000)
    """One of this many n-grams of a document is tried; where one is known, all are. An item that this could miss counts
    as too short: decon's 10 is a quarter faster and leaves out 29 % of the items of the sample's suite (measured)."""
    max_misses: int = Field(11, ge=0, le=1_000)
    """N-grams in a row that may miss within a match (decon)."""
    min_share: float = Field(0.8, gt=0, le=1)
    """Share of an item, by weight of its words, from which a document contains it (decon)."""
    strict_to: int = Field(20, ge=0, le=1_000_000)
    """An item of at most this many words, question and answer together, must match whole (decon, in tokens) …"""
    full_from: int = Field(50, ge=1, le=1_000_000)
    """… and one of at least this many, to `min_share`; in between, the share falls linearly (decon, in tokens)."""
    answer_part: float = Field(0.25, ge=0, lt=1)
    """What the answer contributes to the share, more where the question is short (decon); with 0 a question of 20
    n-grams suffices."""
    boilerplate: float = Field(0.05, gt=0, le=1)
    """An n-gram in more than this share of a task's items (and three) is the task's, not an item's. Measured on
    MMLU's other 14,000 questions: 0.1 takes six that share an instruction for its own, 0.02 spares no more."""
    min_words: int = Field(8, ge=1, le=1_000_000)
    """An item with fewer words, question and answer together, is too short to check (assumed: even 5 takes nothing of
    the sample's 100 MB, but a corpus is larger; decon leaves out items below 20 tokens)."""

    @model_validator(mode="after")
    def _ordered(self) -> "DecontaminateSettings":
        if self.strict_to >= self.full_from:
            raise ValueError(f"strict_to {self.strict_to} must be below full_from {self.full_from}")
        return self
