"""Tables of a blend: what is planned or written by domain, and epochs over two phases."""

from collections.abc import Sequence

from mixes.show.console import plain_console
from mixes.show.recommendation import text_table
from pipeline.blend.manifest import Manifest
from pipeline.blend.plan import Plan

MOST = 100  # rows of quality buckets that are printed


def print_plan(plan: Plan) -> None:
    """What a blend would hold, by domain and, where they repeat differently, by quality bucket."""
    asked, console = plan.request, plain_console()
    head = ["domain", "weight", "tokens", "pool tokens", "epochs"]
    later = asked.after is not None
    rows = [[*head, *(["with earlier"] if later else [])]]
    for row in sorted(plan.domains, key=lambda row: -row.weight):
        if row.weight:
            held = plan.pool.domains[row.domain].tokens
            line = [row.domain, f"{row.weight:.2%}", f"{row.tokens:,.0f}", f"{held:,}", f"{row.epochs:.2f}"]
            rows.append([*line, *([f"{row.used_epochs:.2f}"] if later else [])])
    console.print(text_table(f"Blend of {asked.tokens:,} tokens as {asked.format_name}", rows))
    if asked.upsampling:
        console.print(text_table("Quality buckets, 0 worst: how often each repeats", _bucket_rows(plan)))
    if left := [row.domain for row in plan.domains if not row.weight]:
        console.print(f"Without weight, so left out: {', '.join(left)}", soft_wrap=True)


def _bucket_rows(plan: Plan) -> list[list[str]]:
    rows = [["domain", "bucket", "documents", "pool tokens", "epochs"]]
    for bucket, reach in zip(plan.buckets, plan.reach, strict=True):
        if plan.request.mix.get(bucket.domain) and len(rows) <= MOST:
            repeat = f"{reach / bucket.tokens:.2f}"
            rows.append([bucket.domain, str(bucket.number), f"{bucket.documents:,}", f"{bucket.tokens:,}", repeat])
    return rows


def print_blend(manifest: Manifest) -> None:
    """What a finished blend holds."""
    rows = [["domain", "asked", "written", "tokens", "documents", "epochs", "with earlier"]]
    for row in sorted(manifest.domains, key=lambda row: -row.tokens):
        if row.tokens or row.weight:
            written = [f"{row.weight:.3%}", f"{row.share:.3%}", f"{row.tokens:,}", f"{row.documents:,}"]
            rows.append([row.domain, *written, f"{row.epochs:.2f}", f"{row.used_epochs:.2f}"])
    if not manifest.after:
        rows = [row[:-1] for row in rows]
    title = f"{manifest.id}: {manifest.tokens:,} tokens ({manifest.asked_tokens:,} asked), {len(manifest.shards)} files"
    plain_console().print(text_table(title, rows))


def print_phases(first: Manifest, second: Manifest) -> None:
    """Epochs of each domain in pretraining, in midtraining, and over both."""
    later = {row.domain: row for row in second.domains}
    same = second.after == first.id
    rows = [["domain", "pretraining", "midtraining", "both"]]
    for row in first.domains:
        other = later.pop(row.domain, None)
        both = row.epochs + (other.epochs if other else 0.0) if same else None
        if row.tokens or (other and other.tokens):
            rows.append([row.domain, f"{row.epochs:.2f}", f"{other.epochs:.2f}" if other else "", _cell(both)])
    for name, other in later.items():
        rows.append([name, "", f"{other.epochs:.2f}", ""])
    plain_console().print(text_table("Epochs over both phases", rows))
    if not same:
        plain_console().print(
            "The two were written from different pools: documents that both pools hold may appear in both.",
            soft_wrap=True,
        )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def print_checked(manifest: Manifest, problems: Sequence[str]) -> None:
    """What `verify-blend` found."""
    print_blend(manifest)
    for line in problems:
        print(line)
    if not problems:
        print(f"Whole: {len(manifest.shards)} files, {manifest.documents:,} documents and {manifest.tokens:,} tokens.")
