"""A small pool, written by the stages' own writers, and a recommendation over it: what trainers are handed."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from support import bytewise

from flows.recommended import Recommended
from flows.trainers.trainer import Place
from mixes.proxy.tokens import id_type
from mixes.recommendation.settings import RecommendSettings
from mixes.upsampling import UpsamplingSettings
from pipeline.parts.placed import pool_ranks
from pipeline.pool.manifest import write_manifest
from pipeline.pool.pool import Pool
from pipeline.pool.tokenise import write_tokens

END = "<end>"
EDGES = (0.3, 0.6, 0.8)  # quality at which the buckets of web/health end
MIX = {"books": 0.5, "web/health": 0.3, "code, old": 0.2, "empty": 0.0}
RANKS = {"books": 1, "web/health": 2, "code, old": 1, "empty": 1}  # source files of each domain
LENGTH = {"books": 2_000, "web/health": 90, "code, old": 400, "empty": 50}  # characters of a document on average
DOCUMENTS = 60  # of each source file


def write_pool(folder: Path, *, as_tokens: str | None = None) -> Pool:
    """Write a pool of four domains; as_tokens: a domain whose documents came as tokens, so without text."""
    tokenizer = bytewise()
    (folder / "domains").mkdir(parents=True)
    plans = {
        name: {"source": name, "topics": None, "edges": EDGES if name == "web/health" else (), "held_out_below": "2",
               "held_out_bytes": 1_000_000}
        for name in MIX
    }  # fmt: skip
    (folder / "domains" / "domains.json").write_text(json.dumps(plans))
    tokenizer.save(str(folder / "tokenizer.json"))
    rng = np.random.default_rng(0)
    rank = 0
    for name, files in RANKS.items():
        for _ in range(files):
            rows = list(_rows(name, rng, tokenizer, with_text=name != as_tokens))
            write_tokens(iter(rows), id_type(257), folder / "domains", folder / "tokenise", f"{rank:05d}")
            rank += 1
    pool = folder / "pool"
    write_manifest(folder / "tokenise", folder / "domains", folder / "tokenizer.json", END, 8, pool)
    return Pool(pool)


def _rows(name: str, rng: np.random.Generator, tokenizer, *, with_text: bool):
    for _ in range(DOCUMENTS):
        size = int(rng.integers(LENGTH[name] // 2, LENGTH[name] * 3 // 2))
        text = bytes(rng.integers(97, 123, size, dtype=np.uint8)).decode()
        ids = np.array([*tokenizer.encode(text).ids, tokenizer.token_to_id(END)])
        row = {"id": rng.bytes(8).hex(), "source": name, "topic": None, "quality": float(rng.random()), "bytes": size,
               "text": text if with_text else None}  # fmt: skip
        yield row, ids


def recommended(
    pool: Pool, mix: dict[str, float] = MIX, upsampling: UpsamplingSettings | None = None, budget: float | None = None
) -> Recommended:
    """A recommendation as `find_recommendation` gives it, of which a hand-over reads no more than these fields."""
    about = SimpleNamespace(id="recommendation-0123456789ab", mix=mix, budget=budget, max_epochs=4.0)
    return Recommended(about, pool, upsampling, dict.fromkeys(mix, 4.0), RecommendSettings())  # type: ignore[arg-type]


def place_in(folder: Path, pool: Pool, sequence: int = 64) -> Place:
    """A place that runs steps in this process, a rank after the other."""

    def run(step) -> None:
        for rank in range(pool_ranks(pool.tokenised)):
            list(step.run(None, rank, pool_ranks(pool.tokenised)))

    folder.mkdir(exist_ok=True)
    return Place(folder, folder, run, sequence)
