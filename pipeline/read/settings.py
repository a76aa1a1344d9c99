"""The `read:` section."""

from pydantic import BaseModel, ConfigDict, Field

MAX_DOCUMENT = 64 << 20  # bytes; a larger page or line is refused unless the settings say otherwise


class ReadSettings(BaseModel):
    """The `read:` section: how much a hostile input may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_page_bytes: int = Field(MAX_DOCUMENT, ge=1)
    """A larger page, line or text is refused; packed ones are unpacked no further."""
    extract_seconds: float = Field(10.0, gt=0)
    """Processor time that extracting one page's text may take; a slower page is dropped."""
    max_refused_share: float = Field(0.1, ge=0, le=1)
    """Share of the shards that may be unreadable, or end in damage; more stop the flow."""
