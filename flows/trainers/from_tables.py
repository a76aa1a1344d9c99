"""A recommendation from a swarm in files, made ready for a trainer: its corpus is wherever the user has it.

The table of tokens may have two more columns: `documents`, for trainers that count documents, and `paths`, a path or
pattern of each domain's files. Without it a path is a placeholder.
"""

from pathlib import Path

import polars as pl

from flows.errors import ExperimentError
from flows.trainers.handover import HandOver, Part, keep_drawable
from flows.trainers.trainer import Trainer
from mixes.recommendation.result import Recommendation
from mixes.tables.read import YAML, read_table, read_tokens


def handover_of_tables(recommendation: Recommendation, tokens: Path, trainer: Trainer) -> HandOver:
    """What to tell a trainer; tokens: the file of --tokens.

    Raises:
        ExperimentError: a number of documents is none.
    """
    held, more = read_tokens(tokens), _more_columns(tokens)
    budget = recommendation.budget or sum(held.values())
    parts, placeholders = [], False
    for domain, share in recommendation.mix.items():
        documents, path = more.get(domain, (None, None))
        placeholders = placeholders or (path is None and share > 0)
        parts.append(
            Part(
                domain=domain,
                bucket=None,
                share=share,
                held=held[domain],
                documents=documents,
                planned=share * budget,
                cap=recommendation.max_epochs,
                paths=(path or trainer.placeholder.format(domain=domain),),
            )
        )
    drawable, left_out = keep_drawable(parts)
    note = f"Paths that begin with DATA/ are placeholders: put your own there, or add a column `paths` to {tokens}."
    return HandOver(
        recommendation.id, None, budget, drawable, left_out, {}, None, notes=(note,) if placeholders else ()
    )


def check_documents(tokens: Path, trainer: Trainer) -> None:
    """See that documents are counted.

    Raises:
        ExperimentError: they are not, for some domain.
    """
    more = _more_columns(tokens)
    unknown = next((domain for domain in read_tokens(tokens) if not more.get(domain, (None, None))[0]), None)
    if unknown is not None:
        raise ExperimentError(
            f"--export {trainer.name}: counts documents, and {tokens} does not say how many {unknown!r} has — add a "
            "column 'documents', or take a format that counts tokens (olmo-core, megatron)"
        )


def _more_columns(tokens: Path) -> dict[str, tuple[int | None, str | None]]:
    """Domain → documents and paths, as far as the table names them."""
    if tokens.suffix in YAML:
        return {}
    frame = read_table(tokens).frame
    for name in ("documents", "paths"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None).alias(name))
    rows = frame.select(pl.col("domain").cast(pl.String), "documents", "paths").iter_rows()
    return {domain: (_count(tokens, domain, documents), _path(path)) for domain, documents, path in rows}


def _count(tokens: Path, domain: str, documents: object) -> int | None:
    if documents is None:
        return None
    if not isinstance(documents, int | float) or isinstance(documents, bool) or not documents >= 1:
        raise ExperimentError(f"{tokens}: documents of {domain!r} are {documents!r}, not a number of at least 1")
    return int(documents)


def _path(path: object) -> str | None:
    return str(path).strip() or None if path is not None else None
