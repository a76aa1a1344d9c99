"""What the pool's domains hold, as numbers that outlive names: a content hash each, and tokens by quality bucket."""

import json
from collections.abc import Callable
from pathlib import Path

from mixes.reuse.identity import domain_content
from pipeline.pool.parts import part_by_bucket
from pipeline.pool.pool import TRAIN, Pool
from pipeline.store.documents import content_hash, read_groups
from pipeline.store.stage import Stage, StageStore
from pipeline.store.writing import write_aside

COLUMNS = ("domain", "bucket", "text", "id")


def domain_contents(stages: StageStore, pool_folder: Path) -> dict[str, str]:
    """Domain → content, over the documents of both splits; hashed once a pool."""
    return _contents(stages, pool_folder.name, lambda file: _write_contents(Pool(pool_folder), file))


def known_contents(stages: StageStore, pool: str, contents: dict[str, str]) -> dict[str, str]:
    """The contents of a pool of another work folder, which `stages` keep from now on if they make anything."""
    if stages.makes:
        _contents(stages, pool, lambda file: write_aside(file, json.dumps(contents, indent=1).encode()))
    return contents


def _contents(stages: StageStore, pool: str, write: Callable[[Path], None]) -> dict[str, str]:
    stage = Stage("contents", 1, None, (pool,))
    folder = stages.run(stage, lambda folder: write(folder / "contents.json"))
    contents: dict[str, str] = json.loads((folder / "contents.json").read_bytes())
    return contents


def _write_contents(pool: Pool, file: Path) -> None:
    """A rank's documents at a time: sums add up. What is tokenised already goes by its place in its shard."""
    contents = {name: domain_content([]) for name in pool.domains}
    parts = part_by_bucket(pool.manifest["files"])
    for part in sorted((pool.tokenised / "pool").glob("*.parquet")):
        for table in read_groups(part, COLUMNS):
            hashes: dict[str, list[str]] = {}
            for name, bucket, text, document in zip(*(table[column].to_pylist() for column in COLUMNS), strict=True):
                hashes.setdefault(parts[name, bucket], []).append(content_hash(document if text is None else text))
            contents |= {name: domain_content([contents[name], *of_domain]) for name, of_domain in hashes.items()}
    write_aside(file, json.dumps(contents, indent=1).encode())


def bucket_tokens(pool: Pool, available: dict[str, float]) -> dict[str, list[float]]:
    """Domain → tokens of its quality buckets, worst first, that a training run can draw on: `available` tokens by
    domain, shared as the pool's training split shares them. One bucket where quality is not scored."""
    tokens_by_bucket: dict[str, dict[int, int]] = {name: {} for name in pool.domains}
    for file in pool.manifest["files"]:
        if file["split"] == TRAIN:
            buckets = tokens_by_bucket[file["domain"]]
            buckets[file["bucket"]] = buckets.get(file["bucket"], 0) + file["tokens"]
    return {
        name: [available[name] * buckets.get(bucket, 0) / sum(buckets.values()) for bucket in range(max(buckets) + 1)]
        for name, buckets in tokens_by_bucket.items()
    }
