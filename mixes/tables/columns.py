"""Which columns of a table hold weights or scores, and which are plainly neither: text, keys, errors, bookkeeping.

What is left out is noted. What is half a number is refused with its first bad cell, because to drop it would change
the answer without a word.
"""

import re
from collections.abc import Collection

import polars as pl

from mixes.errors import MixError
from mixes.tables.keys import KEYS, Table, listed

ROW_NUMBERS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")  # what pandas adds on its own
# Columns that say how uncertain another one is, and words that do so only beside that other one.
ERROR = re.compile(
    r"(?i)(?:^|[^a-z])(?:std_?err(?:or)?|standard_error|conf_?int|ci_?(?:95_?)?(?:low|high|lower|upper))(?:[^a-z]|$)"
    r"|[_/. -](?:std(?:_?dev)?|stdev|standard_deviation|variance)(?=,|$)|^(?:std(?:_?dev)?|stdev|variance)$"
)
SPREAD = re.compile(
    r"(?i)[_/. -](?:se|sem|sd|var|err|error|ci|low|high|lower|upper|min|max|n|count|samples|rank|"
    r"(?:n|num)_?(?:samples|examples|items))(?=,|$)"
)
SPREAD_FIRST = re.compile(r"(?i)^(?:se|sem|sd|std(?:_?dev)?|stdev|var|variance|err|error|n|count)[_/. -]")
# Whole names, in small letters with `_` between words, of what a table of runs records beside their scores.
COUNTED = r"(?:sample|example|item|instance|doc|document|question|request|task|shot|run|seed|row)s?"
SIZE = r"(?:params|parameters|layers|heads|tokens|flops?|bytes|gpus|devices|nodes|workers)"
WHEN = (
    r"(?:start|started|end|ended|finish|finished|create|created|update|updated|eval|evaluation|train|training|run|save)"
)
STEP = r"(?:steps?|iterations?|iters?|epochs?)"
BOOKKEEPING = re.compile(
    rf"n|num|count|row|(?:n|num|number_of|total|effective)_?{COUNTED}|samples|n_(?:effective|original)|"
    rf"sample_(?:len|size|count)|(?:num_?)?few_?shots?|"
    rf"time_?stamp|date|time|date_?time|day|{WHEN}_?(?:at|on|time|date|timestamp)|run_?time|duration|elapsed(?:_.+)?|"
    r"(?:wall|wall_?clock|total|eval(?:uation)?)_?time|.+_(?:seconds|secs?|minutes|hours|time_?stamp)|seconds|hours|"
    rf"(?:global|train|training|total|max|last|num|n|checkpoint|ckpt|warm_?up)?_?{STEP}|ckpt|checkpoint|"
    rf"(?:n|num|number_of|total|train|training|seen|trained|processed|model)_?{SIZE}(?:_[mb])?|"
    rf"{SIZE}(?:_(?:seen|trained|processed|total|m|b|per_second|per_sec))?|non_embedding_{SIZE}|"
    r"size|model_size|(?:global_|micro_)?batch_size|(?:seq|sequence|context)_?(?:len|length)|world_size|"
    r"lr|(?:peak_|max_|min_)?learning_rate|weight_decay|grad_norm|mfu|throughput|(?:slurm_)?job_?id|pid|version|"
    r"(?:\w+_)?seed"
)
BELOW = re.compile(r"n|samples|step|epoch|timestamp|runtime|lr|seed|.+_.+")  # and of those, the last part of a path
PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
WRITTEN = re.compile(  # a number, whatever separates its digits and follows it
    r"[-+]?\d[\d.,'\u2019\u00a0\u202f ]*(?:[eE][-+]?\d+)?\s*"
    r"(?:%|\u2030|[a-zA-Z]{2,12}(?:/[a-zA-Z]{1,12})?|±.{1,20}|\([^()]{1,20}\))?"
)


def numbers_only(table: Table) -> Table:
    """The same table, with columns of text that are all plain numbers read as numbers.

    Raises:
        MixError: a column holds numbers and other things, or numbers that are written in a way that is not read.
    """
    texts = [name for name in table.frame.columns if table.frame[name].dtype in (pl.Categorical, pl.Enum)]
    frame = table.frame.with_columns(pl.col(texts).cast(pl.String))
    plain = [
        name
        for name, kind in frame.schema.items()
        if kind == pl.String and not _is_key(name) and not _is_odd(name) and _all_plain(table.name, name, frame[name])
    ]
    return Table(table.name, frame.with_columns(pl.col(plain).str.strip_chars().cast(pl.Float64)))


def number_columns(table: Table) -> tuple[list[str], list[str]]:
    """Columns of numbers that are no key, sorted, and a note on each other column.

    Raises:
        MixError: there are none.
    """
    frame = table.frame
    names = [name for name, kind in frame.schema.items() if kind.is_numeric() and not _is_key(name)]
    others = [name for name, kind in frame.schema.items() if not kind.is_numeric() and not _is_key(name)]
    if not len(frame):
        raise MixError(f"{table.name}: holds no rows")
    if not names:
        raise MixError(f"{table.name}: no column holds numbers (it has {listed(frame.columns)})")
    why = {name: "is no score and no weight, by its name," if _is_odd(name) else "holds no numbers" for name in others}
    return sorted(names), [f"{table.name}: column {name!r} {reason} and is ignored" for name, reason in why.items()]


def score_columns(table: str, columns: list[str], named: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Columns that hold scores, and notes on those that are plainly something else.

    named: metrics that the user names one by one; such a column is a score, whatever it is called.

    Raises:
        MixError: there are none.
    """
    doubtful = [name for name in columns if name not in named]
    errors = [name for name in doubtful if _is_error(name, columns)]
    kept_books = [name for name in doubtful if name not in errors and is_bookkeeping(name)]
    tasks = [name for name in columns if name not in errors and name not in kept_books]
    if not tasks:
        raise MixError(
            f"{table}: every column of numbers is an error of a score or no score ({listed(columns)}) — add the scores"
        )
    notes = [f"{table}: {listed(errors)} hold errors of scores and are ignored"] if errors else []
    if kept_books:
        notes.append(
            f"{table}: {listed(kept_books)} hold no scores, by their names, and are ignored (a metric that is really "
            "called so counts if `families` names it)"
        )
    return tasks, notes


def is_bookkeeping(name: str) -> bool:
    """Whether a column is called like a count, a time or a setting, and not like a task or a domain."""
    above, _, last = name.strip().rpartition("/")
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower()
    words = re.sub(r"[^a-z0-9]+", "_", spaced).strip("_")
    return BOOKKEEPING.fullmatch(words) is not None and (not above or BELOW.fullmatch(words) is not None)


def _is_odd(name: str) -> bool:
    """Whether a column is called like no score, so that text among its numbers does not matter."""
    return is_bookkeeping(name) or ERROR.search(name) is not None


def _is_key(name: str) -> bool:
    return name in KEYS or ROW_NUMBERS.fullmatch(name) is not None


def _is_error(name: str, columns: list[str]) -> bool:
    """Whether a column is called an error, or bears the name of another one and a word for its spread."""
    if ERROR.search(name):
        return True
    parts = (SPREAD.search(name), SPREAD_FIRST.search(name))
    return any(part is not None and (name[: part.start()] + name[part.end() :]) in columns for part in parts)


def _all_plain(table: str, name: str, column: pl.Series) -> bool:
    """Whether a column of text is all plain numbers; False where it is text.

    Raises:
        MixError: it is neither.
    """
    written = [(row, cell.strip()) for row, cell in enumerate(column.to_list()) if cell and cell.strip()]
    if not written:
        return False
    odd = next(((row, cell) for row, cell in written if not PLAIN.fullmatch(cell)), None)
    if odd is None:
        return True
    if all(WRITTEN.fullmatch(cell) for _, cell in written):
        fix = "write a point for the decimal comma" if COMMA.fullmatch(odd[1]) else "write bare numbers, without units"
        raise _bad_cell(table, name, *odd, fix)
    if any(PLAIN.fullmatch(cell) for _, cell in written):
        comma = COMMA.fullmatch(odd[1])
        raise _bad_cell(
            table, name, *odd, "write a point for the decimal comma" if comma else "mend it, or take the column out"
        )
    return False


def _bad_cell(table: str, name: str, row: int, cell: str, fix: str) -> MixError:
    return MixError(f"{table}: row {row + 1}, column {name!r} is {cell[:40]!r}, which is no number — {fix}")
