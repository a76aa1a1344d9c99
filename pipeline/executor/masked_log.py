"""Masks secrets of addresses in what ranks log: datatrove logs an exception with all its text, into a kept file."""

import traceback
from typing import TYPE_CHECKING

from mixes.show.secrets import masked

if TYPE_CHECKING:
    from loguru import Record


def mask_log() -> None:
    """Mask secrets in all that loguru writes in this process from now on."""
    from loguru import logger  # slow to import, and not every command runs ranks

    logger.configure(patcher=_mask)


def _mask(record: "Record") -> None:
    """Mask the message; an exception becomes plain text, since loguru would add the values of variables."""
    if raised := record["exception"]:
        text = "".join(traceback.format_exception(raised.type, raised.value, raised.traceback))
        record["message"] += f"\n{text}"
        record["exception"] = None
    record["message"] = masked(record["message"])
