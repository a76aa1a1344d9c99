"""Models that someone else trained: named labels, downloads that are bounded, hostile files refused alive."""

import contextlib
import functools
import gzip
import http.server
import random
import struct
import threading
from pathlib import Path

import fasttext
import numpy as np
import pytest
from support import made_up

from classifiers.errors import ClassifierError
from classifiers.examples import Examples
from classifiers.file_format import read_model_file
from classifiers.load_check import check_model, load_in_child
from classifiers.model import TrainingSettings, train_model, training_file
from classifiers.settings import QualitySettings, TopicSettings
from pipeline.errors import PipelineError
from pipeline.label.pretrained import ready_quality, ready_topics
from pipeline.store.stage import StageStore

SETTINGS = TrainingSettings(epochs=15, dimensions=8, hash_buckets=1_000)


@pytest.fixture(scope="module")
def leads() -> Examples:
    """Texts of eleven topics, each with words of its own, labelled by numbers as WebOrganizer's models are."""
    names = [f"topic {number}" for number in range(11)]
    numbers = [number % 11 for number in range(1_200)]
    texts = [f"{made_up(60, seed)} {made_up(20, seed, 200)} {names[n]} {n * n}" for seed, n in enumerate(numbers)]
    return Examples(texts, list(map(str, numbers)), {name: number for number, name in enumerate(names)})


@pytest.fixture(scope="module")
def model(leads, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ready") / "topics.bin"
    train_model(leads.texts, leads.labels, SETTINGS, path)
    return path


def refused(content: bytes, path: Path, check=read_model_file) -> str:
    """The one line by which content is refused."""
    path.write_bytes(content)
    with pytest.raises(ClassifierError) as error:
        check(path, "topics.model x.bin")
    assert str(error.value).startswith("topics.model x.bin: ")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            {"labels": {"10x": "a"}},
            r"topics\.labels: the model has no label '10x' — did you mean '10'\? It has 0, 1, 10",
        ),
        ({"max_model_bytes": 1_000}, r"topics\.model: .* is larger than topics\.max_model_bytes, 1,000"),
        ({"model": "nowhere.bin"}, r"topics\.model: no file 'nowhere\.bin'"),
        ({"model": "nothing://x/y"}, r"topics\.model: cannot read nothing://x/y \(ValueError: Protocol not known"),
        ({"model": "http://127.0.0.1:1/m"}, r"topics\.model: cannot read http://127\.0\.0\.1:1/m \("),
    ],
)
def test_what_is_wrong_with_a_topic_model_is_one_line(tmp_path, model, section, said):
    settings = TopicSettings(**({"model": str(model)} | section))
    with pytest.raises(PipelineError, match=said) as error:
        ready_topics(StageStore(tmp_path), tmp_path, settings)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*model.bin"))[1:]  # the finished one at most; nothing is left of refused ones


def test_what_is_good_must_be_said(tmp_path, model):
    with pytest.raises(PipelineError, match=r"quality\.good: is missing — say which .* means good: 0, 1, 10, 2"):
        ready_quality(StageStore(tmp_path), tmp_path, QualitySettings(model=str(model)))
    with pytest.raises(PipelineError, match=r"quality\.good: the model has no label 'hq' — it has"):
        ready_quality(StageStore(tmp_path), tmp_path, QualitySettings(model=str(model), good="__label__hq"))
    found = ready_quality(StageStore(tmp_path), tmp_path, QualitySettings(model=str(model), good="__label__7"))
    assert found.names["7"] == "good"
    assert {name for label, name in found.names.items() if label != "7"} == {"raw"}


def test_a_model_is_downloaded_once(tmp_path, model):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(model.parent))
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/topics.bin"
        settings = TopicSettings(model=address)
        with pytest.raises(PipelineError, match=r"larger than topics\.max_model_bytes"):
            ready_topics(StageStore(tmp_path), tmp_path, settings.model_copy(update={"max_model_bytes": 5_000}))
        first = ready_topics(StageStore(tmp_path), tmp_path, settings)
        server.shutdown()
    assert first.file.read_bytes() == model.read_bytes()
    assert ready_topics(StageStore(tmp_path), tmp_path, settings) == first  # the server is gone
    assert first.sha256 == ready_topics(StageStore(tmp_path), tmp_path, TopicSettings(model=str(model))).sha256


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends a model's first bytes and never stops."""

    log_message = lambda *_: None  # noqa: E731

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(struct.pack("<i", 793712314) * 10_000)


def test_a_download_without_end_is_cut_off(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = TopicSettings(model=f"http://127.0.0.1:{server.server_port}/m.bin", max_model_bytes=3_000_000)
        with pytest.raises(PipelineError, match=r"larger than topics\.max_model_bytes, 3,000,000"):
            ready_topics(StageStore(tmp_path), tmp_path, settings)
        server.shutdown()
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size > 0]


def test_files_that_are_no_models_or_cut_or_longer_are_refused(model, tmp_path):
    whole = model.read_bytes()
    path = tmp_path / "x.bin"
    for content in (
        b"",
        b"words only\n" * 99,
        gzip.compress(whole[:9_999], mtime=0),
        random.Random(1).randbytes(9_999),
    ):
        assert "not a fastText model" in refused(content, path)
    places = [4, 8, 40, 63, 90, 95, 2_000, len(whole) // 3, len(whole) // 2, len(whole) - 400, len(whole) - 1]
    for place in places:
        assert "damaged" in refused(whole[:place], path), place
    assert "1 bytes follow its end" in refused(whole + b"x", path)
    assert "no numbers" in refused(whole[:-40] + struct.pack("<f", np.nan) + whole[-36:], path)
    assert check_model(model, "x").labels


def test_flipped_bytes_are_refused_or_harmless(model, tmp_path):
    """Of damage that passes the walk (a word's letters, a weight) the library makes a model that still predicts."""
    whole, path, rng = model.read_bytes(), tmp_path / "x.bin", random.Random(4)
    survivors = 0
    for _ in range(120):
        content = bytearray(whole)
        content[rng.choice([rng.randrange(4, 92), rng.randrange(92, 20_000)])] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        try:
            read_model_file(path, "x")
        except ClassifierError:
            continue
        survivors += 1
        if survivors % 12 == 1:
            load_in_child(path, "x")
    assert 12 < survivors < 110


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: whole[:40] + bytes(4) + whole[44:], "died of SIGFPE"),  # no buckets
        (lambda whole: whole[:5_000], "bad_alloc"),
    ],
)
def test_a_loader_that_crashes_or_eats_memory_takes_only_its_child_along(model, tmp_path, damage, said):
    """Were the walk to miss it: without buckets the library divides by zero, cut in a word it reads for ever."""
    assert said in refused(damage(model.read_bytes()), tmp_path / "x.bin", load_in_child)


@pytest.mark.parametrize("kind", ["ova", "hs", "ns", "subwords", "words", "quantised", "pruned", "output"])
def test_every_kind_of_model_that_the_library_writes_passes(leads, tmp_path, kind):
    options = {"subwords": {"minn": 2, "maxn": 4}, "words": {"wordNgrams": 1}}.get(kind, {})
    options |= {"loss": kind} if kind in ("ova", "hs", "ns") else {}
    labels = [f"{label}-{n % 300}" for n, label in enumerate(leads.labels)] if kind == "output" else leads.labels
    with training_file(leads.texts, labels, 300, tmp_path) as file:
        given = {"bucket": 500, "wordNgrams": 2, "dim": 6, "epoch": 1, "thread": 1, "verbose": 0} | options
        made = fasttext.train_supervised(str(file), **given)
        if kind in ("quantised", "pruned", "output"):
            cut = {"cutoff": 1_000, "retrain": True} if kind == "pruned" else {}
            made.quantize(str(file), qnorm=kind != "quantised", qout=kind == "output", verbose=0, thread=1, **cut)
    made.save_model(str(tmp_path / "m.bin"))
    found = check_model(tmp_path / "m.bin", "x")
    assert set(found.labels) == set(labels)
    assert found.words == len(made.get_words())
    assert found.dimensions == 6
