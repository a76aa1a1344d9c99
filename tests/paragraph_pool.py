"""A small pool whose documents are paragraphs of this repository's own pages."""

import json
import re
from pathlib import Path

import numpy as np
from support import ROOT
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from pipeline.pool.domains import DomainPlan
from pipeline.pool.manifest import write_manifest
from pipeline.pool.pool import Pool
from pipeline.pool.tokenise import write_tokens

END = "<end>"
RANKS = 3
PAGES = {
    "guide": "docs/guide/*.md",
    "log": "docs/EXPERIMENTS.md",
    "decisions": "docs/DECISIONS.md",
    "code": "mixes/*/*.py",
}


def paragraphs(pattern: str) -> list[str]:
    """Paragraphs of the pages that match, with more than a few words."""
    texts = [path.read_text() for path in sorted(ROOT.glob(pattern))]
    found = [part.strip() for text in texts for part in re.split(r"\n\s*\n", text)]
    return [part for part in found if len(part) > 60]


def paragraph_pool(folder: Path, buckets: int = 10) -> Pool:
    """Four domains in three files of documents; the guide's paragraphs are in several quality buckets."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = {name: paragraphs(pattern) for name, pattern in PAGES.items()}
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts["guide"], trainer)
    tokenised, made = folder / "tokenise-000000000000", folder / "pool-000000000000"
    made.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    edges = tuple(np.linspace(0, 1, buckets + 1)[1:-1].tolist())
    plans = {
        name: DomainPlan(source=name, topics=None, edges=edges if name == "guide" else (), held_out_below="1",
                         held_out_bytes=10_000)
        for name in texts
    }  # fmt: skip
    (folder / "domains.json").write_text(json.dumps({name: plan.model_dump() for name, plan in plans.items()}))
    for rank in range(RANKS):
        rows = [
            _row(name, number, text, number / len(found))
            for name, found in texts.items()
            for number, text in enumerate(found)
            if number % RANKS == rank
        ]
        ids = [[*tokenizer.encode(row["text"]).ids, tokenizer.token_to_id(END)] for row in rows]
        documents = ((row, np.array(one, dtype=np.uint32)) for row, one in zip(rows, ids, strict=True))
        write_tokens(documents, np.dtype(np.uint16), folder, tokenised, f"{rank:05d}")
    write_manifest(tokenised, folder, folder / "tokenizer.json", END, 16, made)
    return Pool(made)


def _row(name: str, number: int, text: str, quality: float) -> dict:
    from hashlib import sha256

    return {
        "id": sha256(f"{name}{number}".encode()).hexdigest()[:24], "source": name, "topic": None, "topic_score": None,
        "quality": quality, "url": "", "date": "2026-01-01", "license": "Apache-2.0", "bytes": len(text.encode()),
        "text": text,
    }  # fmt: skip
