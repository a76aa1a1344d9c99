"""What the tests of this lane share."""

import pytest

from pipeline.pool.pool import Pool


@pytest.fixture(scope="module")
def pool(tiny, finished) -> Pool:
    """The tiny experiment's pool."""
    return Pool(next((tiny / "work" / "stages").glob("pool-*")))
