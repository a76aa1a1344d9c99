"""Every export of the tiny experiment, read by the trainer that it is for: what is drawn has the recommended shares."""

import json

import pytest
from drawing import draw, python_of
from origin import Origin, drawn_documents, drawn_tokens, sampling_error, shares
from support import mixwright

from flows.trainers.from_pool import vocabulary_of

WANTED = 20_000  # tokens drawn
MORE = {"olmo-core": 100_000}  # which cuts each of the 25 token files to whole samples
DOCUMENTS = 300  # documents drawn, where a trainer draws those: 1.2 million tokens
COUNTED = {  # format → samples that a trainer's rounding may move between domains; every other draw is exact
    "olmo-core": 25,
    "megatron": 1,
    "nemo": 1,
    "nanotron": 2,
    "mosaicml": 5,  # its five streams are rounded to whole samples
    "levanter": 5,
}
DRAWN = ("hf-datasets", "litdata", "llama-factory")  # at random, by documents


@pytest.fixture(scope="module")
def origin(pool) -> Origin:
    return Origin(pool, vocabulary_of(pool).dtype)


def export(tiny, name: str, *words: str):
    folder = tiny / "exports" / name
    mixwright("export", "experiment.yaml", "--format", name, "--out", str(folder), *words, folder=tiny)
    return folder


@pytest.mark.parametrize("name", COUNTED)
def test_tokens_have_the_recommended_shares(tiny, finished, origin, name):
    words = ("--sequence", "64") if name == "mosaicml" else ()
    environment = "levanter" if name == "levanter" else "trainers"
    python_of(environment)
    samples = draw(name.replace("-", "_"), export(tiny, name, *words), MORE.get(name, WANTED), environment)
    length = len(samples[0]["tokens"])
    drawn = drawn_tokens(samples, origin)
    assert drawn.total() >= 0.95 * len(samples) * length  # a few samples are in two domains alike
    assert len(samples) * length >= 0.95 * WANTED
    for domain, share in shares(drawn).items():
        assert share == pytest.approx(finished["mix"][domain], abs=COUNTED[name] / len(samples) + 0.002), domain
    assert set(drawn) == {domain for domain, weight in finished["mix"].items() if weight}


@pytest.mark.parametrize("name", DRAWN)
def test_documents_have_the_shares_that_give_the_recommended_tokens(tiny, finished, origin, pool, name):
    python_of("trainers")
    folder = export(tiny, name)
    samples = draw(name.replace("-", "_"), folder, DOCUMENTS)
    assert len(samples) == DOCUMENTS
    expected = {part["domain"]: part["weight"] for part in json.loads((folder / "mixwright.json").read_text())["parts"]}
    for domain, share in shares(drawn_documents(samples, origin)).items():
        assert abs(share - expected[domain]) < sampling_error(expected[domain], DOCUMENTS), domain
    means = {name: domain.tokens for name, domain in pool.domains.items()}
    counts = {name: sum(f["documents"] for f in pool.manifest["files"] if (f["domain"], f["split"]) == (name, "train"))
              for name in means}  # fmt: skip
    tokens = {name: weight * means[name] / counts[name] for name, weight in expected.items()}
    assert {name: count / sum(tokens.values()) for name, count in tokens.items()} == pytest.approx(finished["mix"])
    assert drawn_tokens(samples, origin).total() > WANTED
