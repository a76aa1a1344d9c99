"""Patterns that mean given files and no others, and the names that sources take from paths."""

import fnmatch
import os
import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from flows.errors import ExperimentError
from flows.experiment import LONGEST_SOURCE
from pipeline.look.listing import FileAt, Listing
from pipeline.store.globs import MAGIC

PACKED = ("gz", "zst", "zstd", "bz2", "xz", "lz4", "gzip")
WILD = re.compile(r"[*?]|\[[^]]*\]")  # of a pattern
NUMBERS = re.compile(r"([-_.]?(of|part|shard|split|chunk)?[-_.]?\d+)+", re.IGNORECASE)


def stem(name: str) -> str:
    """A file's or folder's name without its ending and its numbers: what its shards have in common."""
    return NUMBERS.sub("", name.partition(".")[0] or name).strip("-_. ")


def ending_of(name: str) -> str:
    """`.jsonl.gz` of `a.jsonl.gz`, `.jsonl` of `a-1.2.jsonl`, nothing of `part-0001`."""
    parts = name.split(".")
    if len(parts) > 2 and parts[-1].lower() in PACKED and not parts[-2].isdigit():
        return f".{parts[-2]}.{parts[-1]}"
    return f".{parts[-1]}" if len(parts) > 1 and not parts[-1].isdigit() else ""


def pattern_of(listing: Listing, files: Sequence[FileAt]) -> str:
    """The path of a source that means these files of a listing and no others.

    Raises:
        ExperimentError: no pattern does.
    """
    if not listing.is_folder:
        return listing.where
    chosen = {file.below for file in files}
    if len(chosen) == 1:
        return f"{listing.root}/{next(iter(chosen))}"
    bases = [below.rpartition("/")[2] for below in chosen]
    endings = Counter(ending_of(base) for base in bases)
    ending = endings.most_common(1)[0][0]
    low, high = min(bases), max(bases)  # what these begin with, all do
    prefix = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    prefix = prefix.rstrip("0123456789")
    first = f"*{ending.rpartition('.')[0] if ending.count('.') > 1 else ending}*" if ending else "*"
    names = [f"*{ending}", first, f"{prefix}*{ending}", f"{prefix}{first}", f"{prefix}*", "*"]
    folder = "" if all("/" not in below for below in chosen) else "**/"
    for name in names:
        met = {
            file.below for file in listing.files
            if fnmatch.fnmatchcase(file.below.rpartition("/")[2], name) and (folder or "/" not in file.below)
        }  # fmt: skip
        if met == chosen:
            return f"{listing.root}/{folder}{name}".removeprefix("./")
    raise ExperimentError(
        f"{listing.where}: no pattern means its {len(chosen)} data files alone — move them into a folder of their own"
    )


def last_part(listing: Listing) -> str:
    """The last part of a path that is a name and no pattern, without its ending."""
    where = os.path.abspath(listing.root) if "://" not in listing.root else listing.root.partition("?")[0]
    parts = [part for part in where.split("/") if part]
    word = stem(WILD.sub("", parts[-1]).partition(".")[0]) if parts and MAGIC.search(parts[-1]) else ""
    if word:
        return word
    plain = [part for part in parts if not MAGIC.search(part)] or parts
    last = plain[-1] if plain else "source"
    return last if listing.is_folder or MAGIC.search(listing.root) else last.partition(".")[0] or last


def source_name(text: str) -> str:
    """The nearest name that a source may have."""
    name = re.sub(r"[^\w.+#-]+", "_", text)
    name = re.sub(r"^[\W_]+", "", name)[:LONGEST_SOURCE].rstrip("_")
    return name or "source"
