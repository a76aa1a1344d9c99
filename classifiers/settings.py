"""The `quality:` and `topics:` sections: what the two classifiers learn from."""

from pydantic import BaseModel, ConfigDict, Field

from classifiers.model import TrainingSettings


class QualitySettings(BaseModel):
    """The `quality:` section: a fastText model that tells good prose from raw pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    positives: str
    """A glob of JSONL files with good prose, relative to the experiment file."""
    negatives: str
    """The source whose raw pages, before the filters, are the negatives."""
    most_texts: int = Field(50_000, ge=10)
    """Most texts of each kind that it learns from: a uniform sample, so that memory does not grow with a crawl."""
    folds: int = Field(4, ge=2, le=20)
    """Parts of the cross-fit."""
    training: TrainingSettings = TrainingSettings()
    """fastText's settings."""


class TopicSettings(BaseModel):
    """The `topics:` section: a fastText model of topics, and how a source is split by it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labelled: str
    """The source whose documents carry a topic."""
    attribute: str = "topic"
    """The attribute that holds it."""
    ignore: tuple[str, ...] = ()
    """Labels that mean no topic."""
    most_texts: int = Field(200_000, ge=10)
    """Most labelled texts that it learns from: a uniform sample."""
    most_domains: int = Field(3, ge=1)
    """Domains that one source is split into, the one for all other topics included."""
    min_bytes: int = Field(200_000, ge=1)
    """Text that a topic needs to become a domain."""
    folds: int = Field(4, ge=2, le=20)
    """Parts of the cross-fit."""
    training: TrainingSettings = TrainingSettings(epochs=15)
    """fastText's settings."""
