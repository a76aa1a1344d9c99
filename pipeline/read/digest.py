"""Digests in WARC headers: an algorithm, and a hash in base 32 (usual), hexadecimal or base 64 (both occur)."""

import hashlib
from base64 import b32encode, b64encode

ALGORITHMS = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}  # name → bytes of a hash


def matches(digest: str, content: bytes) -> bool:
    """Whether it is the content's. True of what is no hash of an algorithm that is known: it speaks against nothing."""
    algorithm, _, value = digest.strip().partition(":")
    name, value = algorithm.strip().lower().replace("-", ""), value.strip().rstrip("=")
    size = ALGORITHMS.get(name, 0)
    if not size or len(value) not in (2 * size, -(-size * 8 // 5), -(-size * 8 // 6)):
        return True
    found = hashlib.new(name, content, usedforsecurity=False).digest()
    forms = (found.hex(), b32encode(found).decode().rstrip("=").lower())
    return value.lower() in forms or value.replace("-", "+").replace("_", "/") == b64encode(found).decode().rstrip("=")
