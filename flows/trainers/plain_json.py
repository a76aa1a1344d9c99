"""Plain JSON: everything that is known of each part, for a trainer that has no format here."""

import json

from flows.trainers.handover import HandOver
from flows.trainers.names import part_names
from flows.trainers.trainer import Place, Trainer, Written

FILE = "mix.json"


def _write(plan: HandOver, place: Place) -> Written:
    counted = all(part.documents for part in plan.parts)
    rows = plan.row_shares if counted else [None] * len(plan.parts)
    parts = [
        {
            "part": part.name,
            "domain": part.domain,
            "bucket": part.bucket,
            "share_of_tokens": part.share,
            "share_of_documents": row,
            "tokens": part.planned,
            "epochs": part.epochs,
            "tokens_held": part.held,
            "documents_held": part.documents,
            "files": [str(file.path) for file in part.files] or list(part.paths),
        }
        for part, row in zip(plan.parts, rows, strict=True)
    ]
    place.write(FILE, json.dumps({"tokens": plan.tokens, "parts": parts}, indent=1))
    usage = [
        f"`{FILE}` holds each part's share of tokens, share of documents, planned tokens, epochs and files.",
        "Take `share_of_tokens` where a trainer counts tokens or samples of one length, `share_of_documents` where it "
        "counts documents, rows or items.",
    ]
    return Written(part_names(plan.parts), [part.share for part in plan.parts], usage)


TRAINER = Trainer(
    name="json",
    title="plain JSON",
    counts="tokens",
    explained="`share_of_tokens` counts tokens, `share_of_documents` documents.",
    write=_write,
)
