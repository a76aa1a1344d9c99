"""Masks e-mail addresses, IP addresses and telephone numbers (off by default, as in OLMo 3's web chain).

The masks are Dolma's (Soldaini et al. 2024, arXiv 2402.00159, section 3.1.3); its rule to drop documents with more
than five such spans is an option.
"""

import ipaddress
import re
from pathlib import Path

from datatrove.data import Document

from pipeline.filters.settings import PiiSettings
from pipeline.store.funnel import FilterStep

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w-])")
IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")
# North American numbers, and international ones that start with a plus sign.
PHONE = re.compile(
    r"(?<![\w.+-])(?:(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}|\+\d{1,3}(?:[-. ]?\d{2,4}){3,5})(?!\w)"
)
MASKS = {"email": "|||EMAIL_ADDRESS|||", "ip": "|||IP_ADDRESS|||", "phone": "|||PHONE_NUMBER|||"}


class Pii(FilterStep):
    """Masks in place."""

    name = "pii"

    def __init__(self, settings: PiiSettings, folder: Path) -> None:
        super().__init__(folder)
        self.settings = settings

    def judge(self, document: Document) -> str | None:
        """Sets the document's text; the reason where it holds too many."""
        text, spans = masked(document.text)
        if self.settings.max_spans is not None and spans > self.settings.max_spans:
            return "personal data"
        if spans:
            document.text = text
        return None


def masked(text: str) -> tuple[str, int]:
    """The text with its personal data masked, and how many spans were."""
    spans = 0

    def mask(kind: str, match: re.Match[str]) -> str:
        nonlocal spans
        if kind == "ip" and not _public(match.group()):
            return match.group()
        spans += 1
        return MASKS[kind]

    if "@" in text:
        text = EMAIL.sub(lambda match: mask("email", match), text)
    text = IP.sub(lambda match: mask("ip", match), text)
    return PHONE.sub(lambda match: mask("phone", match), text), spans


def _public(address: str) -> bool:
    """Whether an address is one, and not of a private or documentation range."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
