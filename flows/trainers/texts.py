"""Documents as text in the export's own folder, for trainers that read neither token files nor a part of a file."""

from collections.abc import Sequence

from flows.trainers.handover import HandOver
from flows.trainers.locations import folder_of
from flows.trainers.names import safe_name
from flows.trainers.trainer import Place
from pipeline.pool.pool import TRAIN, VALIDATION

DATA = "data"


def placed_parts(plan: HandOver, names: Sequence[str], below: str = "") -> dict[tuple[str, int, str], str]:
    """Documents of training parts by domain, bucket and split → folder of their part: `data/NAME`."""
    return {
        (part.domain, file.bucket, TRAIN): f"{DATA}/{name}{below}"
        for part, name in zip(plan.parts, names, strict=True)
        for file in part.files
    }


def placed_validation(plan: HandOver) -> dict[tuple[str, int, str], str]:
    """Validation documents of the domains that are trained on → `validation/DOMAIN`."""
    trained = {part.domain for part in plan.parts}
    return {
        (domain, file.bucket, VALIDATION): f"{VALIDATION}/{safe_name(domain)}"
        for domain, files in plan.validation.items()
        if domain in trained
        for file in files
    }


def write_texts(plan: HandOver, place: Place, names: Sequence[str], *, validation: bool = False) -> list[str]:
    """Write a folder of Parquet files per part; returns where a trainer finds each. Without a pool nothing is
    written, and the folders are those that the user names."""
    if plan.tokenised is None:
        return [folder_of(path) for part in plan.parts for path in part.paths]
    from pipeline.parts.texts import WriteTexts

    placed = placed_parts(plan, names) | (placed_validation(plan) if validation else {})
    place.run(WriteTexts(plan.tokenised, placed, place.folder))
    return [str(place.final / DATA / name) for name in names]
