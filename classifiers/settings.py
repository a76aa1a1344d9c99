"""The `quality:` and `topics:` sections: what the two classifiers learn from, or the ready models that are used."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Label = Annotated[str, Field(coerce_numbers_to_str=True)]  # YAML reads `1` as a number
MODEL_BYTES = 4 << 30  # of the largest ready model that is fetched, unless stated otherwise


class TrainingSettings(BaseModel):
    """How a fastText classifier is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(5, ge=1, le=1_000_000)
    """Passes over the training text."""
    learning_rate: float = Field(0.5, gt=0, le=100)
    """fastText's rate."""
    word_ngrams: int = Field(2, ge=1, le=5)
    """Longest word n-gram used as a feature."""
    shortest_subword: int = Field(0, ge=0, le=10)
    """Characters of the shortest n-gram of a word used as a feature."""
    longest_subword: int = Field(0, ge=0, le=10)
    """Characters of the longest one; 0: none are used."""
    dimensions: int = Field(32, ge=2, le=10_000)
    """Width of the embeddings."""
    passage: int = Field(1_000, ge=50, le=1_000_000_000)
    """Characters of each text that are trained on, so that no label is known by its texts' length."""
    hash_buckets: int = Field(200_000, ge=1_000, le=1_000_000_000)
    """Buckets of n-gram features; fastText's own two million would make a model of 800 MB."""
    autotune_seconds: int | None = Field(None, ge=1, le=86_400)
    """Time to search for better epochs, rate and n-grams than these, once for the same texts; unset: no search."""


class QualitySettings(BaseModel):
    """The `quality:` section: a fastText model that tells good prose from raw pages."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    positives: str | None = Field(None, min_length=1)
    """A glob of JSONL files with good prose, relative to the experiment file. With a ready model, positives and
    negatives only measure and calibrate it."""
    negatives: str | None = None
    """The source whose raw pages, before the filters, are the negatives."""
    model: str | None = Field(None, min_length=1)
    """A ready fastText model instead of training: a path, an https:// address or hf://owner/name/file."""
    good: Label | None = None
    """The ready model's label that means good."""
    max_model_bytes: int = Field(MODEL_BYTES, ge=1, le=1_099_511_627_776)
    """Largest ready model that is taken."""
    min_score: float | None = Field(None, gt=0, lt=1)
    """Documents whose calibrated quality is lower are dropped; unset: none is."""
    most_texts: int = Field(50_000, ge=10, le=1_000_000_000)
    """Most texts of each kind that it learns from: a uniform sample, so that memory does not grow with a crawl."""
    folds: int = Field(4, ge=2, le=20)
    """Parts of the cross-fit."""
    training: TrainingSettings = TrainingSettings()
    """fastText's settings."""

    @model_validator(mode="after")
    def _learns_or_is_ready(self) -> Self:
        if (self.positives is None) != (self.negatives is None) or not (self.positives or self.model):
            raise ValueError("give positives and negatives to learn from, or a ready model")
        if self.good is not None and self.model is None:
            raise ValueError("good names a ready model's label, but no model is given")
        return self


class TopicSettings(BaseModel):
    """The `topics:` section: a fastText model of topics, and how a source is split by it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    labelled: str | None = None
    """The source whose documents carry a topic. With a ready model, it only measures and calibrates it."""
    attribute: Label = "topic"
    """The attribute that holds it."""
    ignore: tuple[Label, ...] = ()
    """Labels that mean no topic."""
    model: str | None = Field(None, min_length=1)
    """A ready fastText model instead of training: a path, an https:// address or hf://owner/name/file."""
    labels: dict[Label, Label] = {}
    """The ready model's label → our name for it; others keep their own. Labels of one name are one topic."""
    max_model_bytes: int = Field(MODEL_BYTES, ge=1, le=1_099_511_627_776)
    """Largest ready model that is taken."""
    most_texts: int = Field(200_000, ge=10, le=1_000_000_000)
    """Most labelled texts that it learns from: a uniform sample."""
    most_domains: int = Field(3, ge=1, le=10_000)
    """Domains that one source is split into, the one for all other topics included."""
    min_bytes: int = Field(200_000, ge=1, le=1_000_000_000_000_000)
    """Text that a topic needs to become a domain."""
    folds: int = Field(4, ge=2, le=20)
    """Parts of the cross-fit."""
    training: TrainingSettings = TrainingSettings(epochs=15)
    """fastText's settings."""

    @model_validator(mode="after")
    def _learns_or_is_ready(self) -> Self:
        if self.labelled is None and self.model is None:
            raise ValueError("give labelled, a source to learn topics from, or a ready model")
        if self.labels and self.model is None:
            raise ValueError("labels names a ready model's labels, but no model is given")
        return self
