"""Every format of a blend, read whole by what it is for: each document is the pool's, and the shares are the mix's."""

from collections import Counter

import pytest
from drawing import draw, python_of
from origin import Origin
from support import mixwright

from flows.trainers.from_pool import vocabulary_of
from pipeline.blend.formats.registry import FORMATS
from pipeline.blend.manifest import read_manifest
from pipeline.blend.read_back import main_files, read_documents


@pytest.fixture(scope="module")
def origin(pool) -> Origin:
    return Origin(pool, vocabulary_of(pool).dtype)


@pytest.mark.parametrize("name", FORMATS)
def test_a_blend_is_read_by_the_trainer_it_is_for(tiny, finished, pool, origin, name):
    python_of("trainers")
    folder = tiny / "blends" / name
    mixwright("blend", "experiment.yaml", str(folder), "--tokens", "100k", "--shard", "40k", "--format", name,
              folder=tiny)  # fmt: skip
    manifest = read_manifest(folder, "")
    drawn = draw("blend", folder, manifest.tokens)
    listed = [row for part in main_files(manifest) for row in _rows(folder, manifest, part)]
    assert len(drawn) == len(listed) == manifest.documents
    tokens: Counter[str] = Counter()
    for sample, (domain, size) in zip(drawn, listed, strict=True):
        if "text" in sample:
            assert origin.of_text(sample["text"]) == (domain, size)
        else:
            assert domain in origin.of_tokens([*sample["tokens"], pool.end_token])
            assert len(sample["tokens"]) + 1 == size
        tokens[domain] += size
    for domain, weight in finished["mix"].items():
        assert tokens[domain] / tokens.total() == pytest.approx(weight, abs=0.02), domain  # documents are whole


def _rows(folder, manifest, name: str) -> list[tuple[str, int]]:
    """Domain and tokens of each document, as the blend lists it."""
    parts = read_documents(folder, manifest, name)
    return [pair for part in parts for pair in zip(part.domains, part.tokens, strict=True)]
