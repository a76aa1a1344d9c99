"""Are the token files what was written? Asked once before proxies train: a flipped bit is another token."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.pool.pool import Pool


class DamagedTokens(PipelineError):
    """A token file is not what was written; `stage` is the one to make anew."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"pool: {stage}: {reason} — the same command makes it anew")
        self.stage, self.reason = stage, reason

    def __reduce__(self) -> tuple:
        """How it comes out of a rank's process."""
        return type(self), (self.stage, self.reason)


@contextmanager
def undamaged_pages(tokenised: Path, name: str) -> Iterator[None]:
    """Tell a damaged table of the pool, whose pages fail their checksums, from a failure of the machine.

    Raises:
        DamagedTokens: the table `name` is not what was written.
    """
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if getattr(error, "errno", None):
            raise
        raise DamagedTokens(tokenised.name, f"pool/{name} is not what was written") from None


def check_tokens(pool: Pool) -> None:
    """See that every token file has the SHA-256 that the manifest lists; one without is taken as it is.

    Raises:
        DamagedTokens: one has another.
    """
    listed = [file for file in pool.manifest["files"] if "sha256" in file]
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # hashing releases the interpreter
        whole = threads.map(lambda file: _is_whole(pool.tokenised / "tokens", file), listed)
        damaged = [file["file"] for file, sound in zip(listed, whole, strict=True) if not sound]
    if damaged:
        raise DamagedTokens(
            pool.tokenised.name, f"tokens/{damaged[0]} is not what was written; {len(damaged)} of {len(listed)} files"
        )


def _is_whole(folder: Path, listed: dict[str, Any]) -> bool:
    try:
        with (folder / listed["file"]).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == listed["sha256"]
    except OSError:
        return False
