"""What an export says of itself: the table that is printed, `README.md`, and `mixwright.json`."""

import json
from collections.abc import Sequence
from typing import Any

from flows.trainers.handover import HandOver
from flows.trainers.names import mapped
from flows.trainers.trainer import Trainer, Written


def table_rows(plan: HandOver, trainer: Trainer, written: Written) -> list[list[str]]:
    """A head, a row per part, and the sum."""
    rows = [["domain", "bucket", f"weight ({trainer.counts})", "share of tokens", "tokens", "epochs", "held"]]
    for part, weight in zip(plan.parts, written.weights, strict=True):
        bucket = "all" if part.bucket is None else str(part.bucket)
        share, planned, epochs = f"{part.share:.2%}", f"{part.planned:,.0f}", f"{part.epochs:.3g}"
        rows.append([part.domain, bucket, f"{weight:.6g}", share, planned, epochs, f"{part.held:,.0f}"])
    held = sum(part.held for part in plan.parts)
    rows.append(["sum", "", f"{sum(written.weights):.6g}", "100.00%", f"{plan.tokens:,.0f}", "", f"{held:,.0f}"])
    return rows


def remarks(plan: HandOver, written: Written) -> list[str]:
    """Sentences on what is not as one would expect: what is left out, names that were mapped."""
    lines = [*plan.notes]
    if plan.left_out:
        reasons: dict[str, list[str]] = {}
        for name, reason in plan.left_out.items():
            reasons.setdefault(reason, []).append(name)
        lines += [f"Left out, since {reason}: {', '.join(names)}." for reason, names in reasons.items()]
    other = mapped(plan.parts, written.names)
    if other:
        lines.append("Names in the trainer: " + ", ".join(f"{part} is {name}" for part, name in other.items()) + ".")
    return [*lines, *written.notes]


def readme(plan: HandOver, trainer: Trainer, written: Written) -> str:
    """The README of an export."""
    pool = f", over {plan.pool.name}" if plan.pool else ", of a swarm from files"
    lines = [
        f"# {plan.recommendation} for {trainer.title}",
        f"The mix of {plan.recommendation}{pool}, for a training run of {plan.tokens:,.0f} tokens. {trainer.explained}",
        "",
        "## Use",
        *written.usage,
        "",
        "## Planned tokens and epochs",
        *_markdown(table_rows(plan, trainer, written)),
        "",
        *[f"- {line}" for line in remarks(plan, written)],
    ]
    if plan.vocabulary:
        lines += [
            "",
            "## Tokenizer",
            f"`{plan.vocabulary.tokenizer}`: {plan.vocabulary.size:,} numbers, stored as {plan.vocabulary.dtype.name}. "
            f"Token {plan.vocabulary.end_id} (`{plan.vocabulary.end}`) ends every document.",
            f"Vocabulary hash: {plan.vocabulary.digest}. Token counts hold for this vocabulary alone.",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    line = ["| " + " | ".join(row) + " |" for row in (head, *body)]
    return [line[0], "|---|---|" + "--:|" * (len(head) - 2), *line[1:]]


def record(plan: HandOver, trainer: Trainer, written: Written, entries: Sequence[str]) -> dict[str, Any]:
    """The content of `mixwright.json`; entries: names in the export's folder."""
    about: dict[str, Any] = {
        "format": trainer.name,
        "counts": trainer.counts,
        "recommendation": plan.recommendation,
        "pool": plan.pool.name if plan.pool else None,
        "tokens": plan.tokens,
        "tokenizer": None,
        "parts": [
            {
                "part": part.name, "domain": part.domain, "bucket": part.bucket, "name": name, "weight": weight,
                "share": part.share, "tokens": part.planned, "epochs": part.epochs, "tokens_held": part.held,
                "documents_held": part.documents,
            }
            for part, name, weight in zip(plan.parts, written.names, written.weights, strict=True)
        ],
        "left_out": dict(plan.left_out),
        "remarks": remarks(plan, written),
        "entries": sorted(entries),
    }  # fmt: skip
    if plan.vocabulary:
        about["tokenizer"] = {
            "file": str(plan.vocabulary.tokenizer), "numbers": plan.vocabulary.size, "hash": plan.vocabulary.digest,
            "dtype": plan.vocabulary.dtype.name, "end": plan.vocabulary.end, "end_id": plan.vocabulary.end_id,
        }  # fmt: skip
    return about


def as_json(content: dict[str, Any]) -> str:
    """As `mixwright.json` and `--json` have it."""
    return json.dumps(content, indent=1)
