"""Writes the manifest that makes a pool of token files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.pool.domains import read_domains
from pipeline.pool.parts import cut_by_quality
from pipeline.pool.pool import TRAIN, VALIDATION
from pipeline.store.writing import write_aside


def write_manifest(
    tokenised: Path, domains: Path, tokenizer: Path, end: str, context: int, folder: Path, parts: int | None = None
) -> list[str]:
    """Write `manifest.json` over all ranks' token files, and the tokenizer beside it.

    parts: into how many parts by quality each scored domain is cut; None cuts none.

    Returns:
        the scored domains that are too small to be cut.

    Raises:
        PipelineError: a domain holds too little for one sequence of training or validation.
    """
    files: list[dict[str, Any]] = []
    for listed in sorted((tokenised / "tokens").glob("[0-9]*/files.json")):  # no folder that a killed rank left
        for file in json.loads(listed.read_bytes()):
            files.append({**file, "file": f"{listed.parent.name}/{file['file']}"})
    plans = read_domains(domains)
    sources, whole = {name: plan.source for name, plan in plans.items()}, []
    _check(files, sources, context)
    for name in [name for name, plan in plans.items() if parts and plan.edges]:
        placed = cut_by_quality([file for file in files if file["domain"] == name], parts or 1, context)
        if not placed:
            whole.append(name)
            continue
        files = [{**file, "domain": placed[file["bucket"]]} if file["domain"] == name else file for file in files]
        sources |= dict.fromkeys(placed.values(), sources.pop(name))
    manifest = {"tokens": tokenised.name, "end": end, "sources": sources, "files": files}
    write_aside(folder / "manifest.json", json.dumps(manifest, indent=1).encode())
    write_aside(folder / "tokenizer.json", tokenizer.read_bytes())
    return whole


def _check(files: Sequence[dict[str, Any]], names: Sequence[str] | dict[str, str], context: int) -> None:
    for name in names:
        for split in (TRAIN, VALIDATION):
            counts = [file["tokens"] for file in files if file["domain"] == name and file["split"] == split]
            if sum(counts) <= context:
                raise PipelineError(
                    f"domain {name}: its {split} split holds {sum(counts)} tokens, less than a sequence of {context} — "
                    "give it more text, or raise pool.validation_share"
                )
