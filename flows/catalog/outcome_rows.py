"""Validations and blends as rows of the catalog's tables."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from mixes.recommendation.refreshed import Refreshed
from mixes.recommendation.validation import Estimate, Validation
from pipeline.blend.manifest import Manifest

Rows = list[dict[str, Any]]


def validation_rows(validation: Validation) -> Rows:
    """A row for the target and each family."""
    head = {
        "validation": validation.id, "recommendation": validation.recommendation, "size": validation.size,
        "tokens": validation.tokens, "seeds": len(validation.seeds),
    }  # fmt: skip
    return [
        {
            **head, "name": name, **_ends("natural_bpb", row.natural), **_ends("uniform_bpb", row.uniform),
            **_ends("mix_bpb", row.recommended), "half_bpb": row.half.value, "quarter_bpb": row.quarter.value,
            **_ends("gain", row.gain), **_ends("predicted_gain", row.predicted), **_ends("multiplier", row.multiplier),
            "agreement": row.agreement, "verdict": row.verdict, "measured": row.measured, "came_true": row.came_true,
        }
        for name, row in validation.compared.items()
    ]  # fmt: skip


def blend_rows(manifest: Manifest, folder: Path) -> dict[str, Rows]:
    """Table → rows of a training set in `folder`."""
    about = manifest.model_dump(include={"recommendation", "after", "format", "asked_tokens", "tokens", "documents"})
    head = {**about, "blend": manifest.id, "folder": str(folder.resolve()), "seed": manifest.seed,
            "shards": len(manifest.shards)}  # fmt: skip
    domains = {row.domain: row for row in manifest.domains}
    rows = [
        {
            "blend": manifest.id, "domain": use.domain, "bucket": use.bucket, "weight": domains[use.domain].weight,
            "share": domains[use.domain].share, "tokens": use.tokens, "documents": use.documents,
            "different": use.singles, "epochs": use.tokens / use.pool_tokens,
            "used_epochs": use.used_tokens / use.pool_tokens,
        }
        for use in manifest.buckets
    ]  # fmt: skip
    return {"blends": [head], "blend_domains": rows}


def refresh_row(done: Refreshed, number: int, recorded: datetime) -> dict[str, Any]:
    """The row of a refresh."""
    plain = ("verdict", "reason", "before", "standing", "recommendation", "pool_before", "pool", "proxies", "seconds")
    gain = done.advantage
    gains = {} if gain is None else {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
                                     "chance": gain.chance, "noise": gain.noise}  # fmt: skip
    moved = {one.domain: {"fate": one.fate, "share": one.share} for one in done.moved}
    mixes = {name: json.dumps(dict(getattr(done, name))) for name in ("mix", "mix_before", "seen", "mix_for_the_rest")}
    head = {"number": number, "recorded": recorded.replace(tzinfo=None), "moved": json.dumps(moved)}
    return {**head, **{name: getattr(done, name) for name in plain}, **gains, **mixes}


def _ends(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
