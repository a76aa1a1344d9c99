"""The `dedup:` section."""

from pydantic import BaseModel, ConfigDict, Field

from pipeline.dedup.windows import MOST_BYTES

MOST_PARTITIONS = 4_096


class NearSettings(BaseModel):
    """How near duplicates are found; the numbers are OLMo 3's."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether near duplicates are removed."""
    ngram: int = Field(5, ge=1, le=100)
    """Words of a shingle."""
    bands: int = Field(26, ge=1, le=1_000)
    """Band keys of a document; one that two documents share makes them a candidate pair."""
    rows: int = Field(11, ge=1, le=1_000)
    """Min-hashes of a band's key."""
    jaccard: float = Field(0.8, gt=0, le=1)
    """Similarity of two documents' shingle sets from which on the older one is removed."""


class RepeatSettings(BaseModel):
    """The `dedup.repeats:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    enabled: bool = True
    """Whether repeated substrings are removed."""
    min_bytes: int = Field(500, ge=100, le=MOST_BYTES)
    """Bytes of the shortest repeat (OLMo 3's 500)."""
    max_gap: int = Field(50, ge=0, le=1_000_000)
    """A piece of fewer bytes (assumed) between two removed ones goes too; one at a document's start or end stays."""


class DedupSettings(BaseModel):
    """The `dedup:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    exact: bool = True
    """Whether documents with the same text are removed."""
    near: NearSettings = NearSettings()
    """Near duplicates, by MinHash and true Jaccard similarity."""
    repeats: RepeatSettings = RepeatSettings()
    """Passages that appear elsewhere too."""
    partitions: int | None = Field(None, ge=1, le=MOST_PARTITIONS)
    """Parts that hashes are dealt into; chosen from the amount of text when the stage first runs, then kept. It
    bounds memory and changes nothing else."""
