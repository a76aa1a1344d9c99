"""Short names for contents."""

import hashlib


def short_hash(content: str | bytes) -> str:
    """Twelve hexadecimal digits of SHA-256: what ids of stages, runs and recommendations end with."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:12]
