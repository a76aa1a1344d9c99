"""Reads shards that are tokenised already: raw little-endian ids, each document ended by the tokenizer's ending token.

So write datatrove, Dolma's toolkit (whose .npy files have no header) and this pipeline itself. Some writers cut files
at a size, so that a file's last document may be a part of one: it is refused, and nothing else is lost. Reading
measures and checks a shard in chunks; the ids themselves are fetched when it is known where each document goes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from datatrove.data import Document

from mixes.proxy.tokens import NARROW
from pipeline.errors import PipelineError
from pipeline.read.packing import proven_packing
from pipeline.read.refused import Refused, larger_than, unreadable
from pipeline.read.sources import WIDTH, IdType, Shard
from pipeline.store.tokenizer import load_tokenizer, token_bytes

CHUNK = 1 << 20  # bytes read at once
HEADER = b"\x93NUMPY"  # of files that numpy.save wrote
TOLD_BY = 32  # pairs of 16 bits from which on the width of ids can be told


def read_tokens(shard: Shard, limit: int, tokenizer: Path, end: str) -> Iterator[Document | Refused]:
    """Documents without text of a shard of ids; `metadata` holds offset and tokens (the ending one included).

    Raises:
        PipelineError: the ids are plainly of another type than the source says.
    """
    loaded = load_tokenizer(tokenizer)
    sizes, ending = token_bytes(loaded, end), loaded.token_to_id(end)
    assert ending is not None  # checked before any shard is read
    width, start = WIDTH[shard.dtype], 0  # start: the offset of the document that is not yet ended
    open_part = np.zeros(3, dtype=np.int64)  # its tokens, bytes, ids outside the vocabulary so far
    rest = b""
    try:
        with shard.open() as file:
            while chunk := file.read(CHUNK):
                content = rest + chunk
                if start == 0 and not open_part.any():
                    _check_start(shard, content, len(sizes))
                ids = np.frombuffer(content, dtype=f"<u{width}", count=len(content) // width)
                rest = content[len(ids) * width :]
                parts = _measured(ids, sizes, ending)
                parts[0] += open_part
                open_part = parts[-1]
                for tokens, size, outside in parts[:-1].tolist():
                    yield _judged(shard, start, tokens, size, outside, limit)
                    start += tokens * width
    except PipelineError:
        raise
    except Refused as refused:
        yield refused
    except Exception as error:  # a file system raises what it likes
        yield unreadable(error, start)
    else:
        if open_part.any() or rest:
            reason = "cut within an id" if rest else "no ending token"
            yield Refused(reason, start, fatal=start == 0)  # fatal: not one document has ended


def take_ids(file: BinaryIO, position: int, offset: int, tokens: int, dtype: IdType) -> np.ndarray:
    """(tokens,) ids, from a byte offset on that is not before the file's position; fewer where the file ends."""
    for _ in _pieces(file, offset - position):
        pass  # not by seek: not every server can
    content, width = b"".join(_pieces(file, tokens * WIDTH[dtype])), WIDTH[dtype]
    return np.frombuffer(content, dtype=f"<u{width}", count=len(content) // width)


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (piece := file.read(min(size, CHUNK))):
        size -= len(piece)
        yield piece


def _measured(ids: np.ndarray, sizes: np.ndarray, ending: int) -> np.ndarray:
    """(documents + 1, 3) tokens, bytes and ids outside the vocabulary; the last row is of what has not ended."""
    outside = ids >= len(sizes)
    totals = np.zeros((len(ids) + 1, 3), dtype=np.int64)
    totals[:, 0] = np.arange(len(ids) + 1)
    np.cumsum(sizes[np.where(outside, ending, ids)], out=totals[1:, 1])
    np.cumsum(outside, out=totals[1:, 2])
    ends = np.flatnonzero(ids == ending) + 1
    return np.diff(totals[np.concatenate([[0], ends, [len(ids)]])], axis=0)


def _judged(shard: Shard, start: int, tokens: int, size: int, outside: int, limit: int) -> Document | Refused:
    if tokens == 1:
        return Refused("empty", start)
    if tokens * WIDTH[shard.dtype] > limit:
        return Refused(larger_than(limit), start)
    if outside:
        return Refused("id outside the vocabulary", start)
    metadata = {"url": "", "offset": start, "tokens": tokens, "token_bytes": size}
    return Document(text="", id=shard.document_id(start, ""), metadata=metadata)


def _check_start(shard: Shard, content: bytes, vocabulary: int) -> None:
    """Of ids below 65,536 in 32 bits every second half is 0, and of ids in 16 bits hardly any; of a larger vocabulary,
    ids outside of it tell."""
    if content.startswith(HEADER):
        raise Refused("a .npy header, not raw ids", 0, fatal=True)
    packing = proven_packing(content)
    if packing:
        raise Refused(f"packed as {packing}: unpack it, since ids are fetched by their place", 0, fatal=True)
    halves = np.frombuffer(content, dtype="<u2", count=len(content) // 4 * 2)[1::2]
    filled = np.count_nonzero(halves) / max(1, len(halves))
    told: IdType | None = "uint32" if filled == 0 else "uint16" if filled > 0.5 else None
    if len(halves) >= TOLD_BY and vocabulary <= NARROW and told and told != shard.dtype:
        raise PipelineError(
            f"sources.{shard.source}.dtype: the ids of {shard.name} are no {shard.dtype} — set dtype: {told}"
        )
