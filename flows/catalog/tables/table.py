"""What the catalog is made of: tables, views over them, views over Parquet files, and macros."""

from dataclasses import dataclass

Columns = dict[str, tuple[str, str]]  # column → (type, comment)


@dataclass(frozen=True)
class Table:
    """One table."""

    comment: str
    key: tuple[str, ...]
    columns: Columns
    derived: tuple[str, ...] = ()  # columns that no record holds: they are filled in when the catalog is built


@dataclass(frozen=True)
class FileView:
    """A view over Parquet files of the work folder; it is empty where there are none."""

    comment: str
    columns: Columns


@dataclass(frozen=True)
class View:
    """One view."""

    comment: str
    columns: dict[str, str]  # column → comment
    query: str


@dataclass(frozen=True)
class Macro:
    """A question with a blank: a table macro, which is called as `from name(…)`."""

    comment: str
    parameters: str
    columns: dict[str, str]  # column → comment
    query: str
