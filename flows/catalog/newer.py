"""Refuses a work folder that a newer mixwright wrote, before anything is written into it."""

from pathlib import Path

from flows.catalog.current import check_index
from flows.catalog.schema import VERSION
from pipeline.store.work_folder import check_layout, newer_workspace

CATALOG = "catalog.duckdb"


def check_workspace(folder: Path) -> None:
    """Check the folder's layout, its lists of records, and its catalog.

    Raises:
        PipelineError: one of them has a version that this mixwright does not know.
    """
    check_layout(folder)
    check_index(folder)
    version = _catalog_version(folder / CATALOG)
    if version is not None and version > VERSION:
        raise newer_workspace(folder, CATALOG, version, VERSION)


def _catalog_version(catalog: Path) -> int | None:
    """The schema version of a catalog; None where there is none, or where it cannot be read and is made anew."""
    if not catalog.is_file():
        return None
    import duckdb

    try:
        with duckdb.connect(str(catalog), read_only=True) as opened:
            return int(opened.execute("select schema_version from meta").fetchall()[0][0])
    except (duckdb.Error, IndexError, TypeError, ValueError):
        return None
