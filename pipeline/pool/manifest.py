"""Writes the manifest that makes a pool of token files."""

import json
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.pool.domains import read_domains
from pipeline.pool.pool import TRAIN, VALIDATION
from pipeline.store.writing import write_aside


def write_manifest(tokenised: Path, domains: Path, tokenizer: Path, end: str, context: int, folder: Path) -> None:
    """Write `manifest.json` over all ranks' token files, and the tokenizer beside it.

    Raises:
        PipelineError: a domain holds too little for one sequence of training or validation.
    """
    files = []
    for listed in sorted((tokenised / "tokens").glob("[0-9]*/files.json")):  # no folder that a killed rank left
        for file in json.loads(listed.read_bytes()):
            files.append({**file, "file": f"{listed.parent.name}/{file['file']}"})
    sources = {name: plan.source for name, plan in read_domains(domains).items()}
    for name in sources:
        for split in (TRAIN, VALIDATION):
            counts = [file["tokens"] for file in files if file["domain"] == name and file["split"] == split]
            if sum(counts) <= context:
                raise PipelineError(
                    f"domain {name}: its {split} split holds {sum(counts)} tokens, less than a sequence of {context} — "
                    "give it more text, or raise pool.validation_share"
                )
    manifest = {"tokens": tokenised.name, "end": end, "sources": sources, "files": files}
    write_aside(folder / "manifest.json", json.dumps(manifest, indent=1).encode())
    write_aside(folder / "tokenizer.json", tokenizer.read_bytes())
