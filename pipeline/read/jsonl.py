"""Reads JSON lines. What is no JSON to the letter but has a sound text is read: NaN, half a character, bare tabs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson
from datatrove.data import Document

from pipeline.read.lines import lines_of
from pipeline.read.record import document_of, field
from pipeline.read.refused import Refused, larger_than, unreadable
from pipeline.read.settings import MAX_DOCUMENT
from pipeline.read.sources import Fields, Shard
from pipeline.read.unpack import DAMAGE, damage_reason

NOT_JSON = "not JSON"
NO_JSON = 100  # lines at a file's start; where none of them is JSON it is no file of JSON lines (assumed)
HALF = re.compile("[\ud800-\udfff]")  # of a character beyond 16 bits
NO_UTF8 = re.compile("[\udc80-\udcff]")  # what Python puts for a byte that is none
LONGEST_NUMBER = 4_000  # digits that Python reads as one


def read_jsonl(shard: Shard, limit: int = MAX_DOCUMENT) -> Iterator[Document | Refused]:
    """Documents of a JSON-lines file."""
    offset = 0
    leading: list[Refused] | None = []  # rows of the lines before the first that is JSON
    try:
        with shard.open() as file:
            for start, line in lines_of(file, limit):
                offset = start
                if line is not None and not line.strip():
                    continue
                document = _from_line(shard, start, line, limit)
                if leading == [] and isinstance(document, Refused) and line and line.lstrip().startswith(b"["):
                    raise Refused("a JSON array, not JSON lines", start, fatal=True)
                if leading is not None and isinstance(document, Refused) and document.reason == NOT_JSON:
                    leading.append(document)
                    if len(leading) == NO_JSON:
                        break
                    continue
                yield from leading or ()
                leading = None
                yield document
        if leading:
            yield Refused("not JSON lines", 0, fatal=True)
    except Refused as refused:
        yield refused
    except DAMAGE as error:
        yield Refused(damage_reason(error), offset, fatal=True)
    except Exception as error:  # a file system raises what it likes
        yield unreadable(error, offset)


def _from_line(shard: Shard, offset: int, line: bytes | None, limit: int) -> Document | Refused:
    if line is None:
        return Refused(larger_than(limit), offset)
    try:
        return document_of(shard, offset, _parsed(line, shard.fields), limit)
    except RecursionError:
        return Refused("nested too deeply", offset)
    except UnicodeDecodeError:
        return Refused("not UTF-8", offset)
    except ValueError:
        return Refused(NOT_JSON, offset)


def _parsed(line: bytes, fields: Fields) -> Any:
    """A line's value.

    Raises:
        UnicodeDecodeError: the text is not UTF-8.
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _parsed_leniently(line, fields)
    if isinstance(field(row, fields.id), float):  # as which orjson reads a number of more than 64 bits
        return _parsed_leniently(line, fields)
    return row


def _parsed_leniently(line: bytes, fields: Fields) -> Any:
    content = line.decode("utf-8", "surrogateescape")
    row = json.loads(content, strict=False, parse_constant=lambda _: None, parse_int=_integer)
    text = field(row, fields.text)
    if NO_UTF8.search(content) and isinstance(text, str) and NO_UTF8.search(text):
        line.decode()  # raises
    return _mended(row)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < LONGEST_NUMBER else digits


def _mended(value: Any) -> Any:
    """A value without halves of characters."""
    if isinstance(value, str):
        return HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return value
