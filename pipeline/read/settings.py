"""The `read:` section."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_DOCUMENT = 64 << 20  # bytes; a larger page or line is refused unless the settings say otherwise
MOST_BYTES = 1 << 40
STATUSES = (200, 203)
Status = Annotated[int, Field(ge=100, le=599)]


class ReadSettings(BaseModel):
    """The `read:` section: how much a hostile input may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_page_bytes: int = Field(MAX_DOCUMENT, ge=1, le=MOST_BYTES)
    """A larger page, line or text is refused; packed ones are unpacked no further."""
    statuses: tuple[Status, ...] = Field(STATUSES, min_length=1)
    """HTTP statuses whose bodies are the pages that were asked for: 200, and 203, which is 200 through a proxy that
    changed something. Others are refused: error pages are prose too, redirects are stubs, and 206 is a part."""
    extract_seconds: float = Field(10.0, gt=0, le=86_400)
    """Processor time that extracting one page's text may take; a slower page is dropped."""
    max_refused_share: float = Field(0.1, ge=0, le=1)
    """Share of the shards that may be unreadable or end in damage, and of a source's records that may be; more stop
    the flow. What a crawl holds beside its pages (redirects, images, revisits) does not count."""
