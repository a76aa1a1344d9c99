"""Hugging Face datasets: `interleave_datasets` over the pool's Parquet, by a small module (datasets/combine.py)."""

import json
from typing import Any

from flows.trainers.handover import HandOver, Part
from flows.trainers.names import part_names
from flows.trainers.trainer import Place, Trainer, Written
from mixes.quality_parts import whole_of

MIX = "mix.json"
MODULE = "mix.py"
CODE = '''"""Draws documents from the recommended mix: `for row in train(seed=1): row["text"]`."""

import json
from pathlib import Path

from datasets import interleave_datasets, load_dataset

MIX = json.loads((Path(__file__).parent / "mix.json").read_text())


def part(source, split="train", seed=42, buffer=10_000):
    """The documents of one part, again and again, in a new order each time."""
    filters = [tuple(condition) for condition in source["filters"]]
    filters = [*filters, ("split", "==", split)] if filters else None
    kind = "parquet" if source["files"][0].endswith(".parquet") else "json"
    options = {"filters": filters} if filters else {}
    rows = load_dataset(kind, data_files=source["files"], split="train", streaming=True, **options)
    return rows.select_columns(source["columns"]).shuffle(seed=seed, buffer_size=buffer).repeat(None)


def train(seed=42, buffer=10_000):
    """An endless stream of documents, in which each part has its share of tokens on average."""
    parts = [part(source, seed=seed, buffer=buffer) for source in MIX["parts"]]
    shares = [source["probability"] for source in MIX["parts"]]
    return interleave_datasets(parts, probabilities=shares, seed=seed)
'''


def _source(plan: HandOver, part: Part, share: float) -> dict[str, Any]:
    source: dict[str, Any] = {"part": part.name, "probability": share, "share_of_tokens": part.share}
    if plan.tokenised is None:
        return source | {"files": list(part.paths), "filters": [], "columns": ["text"]}
    pool = plan.tokenised / "pool"
    files = sorted({str(pool / f"{file.rank}.parquet") for file in part.files})
    filters: list[tuple[str, str, str | int]] = [("domain", "==", whole_of(part.domain))]
    if whole_of(part.domain) != part.domain:  # documents bear the whole domain's name
        numbers = [file.bucket for file in part.files]
        filters += [("bucket", ">=", min(numbers)), ("bucket", "<=", max(numbers))]
    elif part.bucket is not None:
        filters.append(("bucket", "==", part.bucket))
    return source | {"files": files, "filters": filters, "columns": ["text", "domain", "tokens"]}


def _write(plan: HandOver, place: Place) -> Written:
    shares = plan.row_shares
    sources = [_source(plan, part, share) for part, share in zip(plan.parts, shares, strict=True)]
    place.write(MIX, json.dumps({"parts": sources}, indent=1))
    place.write(MODULE, CODE)
    rows = plan.tokens / sum(
        share * part.held / part.documents for part, share in zip(plan.parts, shares, strict=True) if part.documents
    )
    usage = [
        "In a program beside `mix.py`:",
        "",
        "    from mix import train",
        "    for row in train(seed=1): ...  # row['text']",
        "",
        f"The stream is endless; about {rows:,.0f} documents are {int(plan.tokens):,} tokens. Pack documents: where a "
        "trainer cuts each to one length, domains of long documents lose more.",
        "`interleave_datasets` gets `probabilities` of documents. Each part is read through `filters` on the pool's "
        "own Parquet files; nothing is copied.",
    ]
    return Written(part_names(plan.parts), shares, usage)


TRAINER = Trainer(
    name="hf-datasets",
    title="Hugging Face datasets",
    counts="documents",
    explained="A probability counts documents: the share of tokens, divided by the part's mean tokens per document.",
    write=_write,
    placeholder="DATA/{domain}/*.parquet",
    texts=True,
)
