"""Writes settings.md: every field of the experiment file, from the models that check it."""

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flows.experiment import Experiment

HEAD = """# Settings
Every field of the experiment file, made by `make docs` from the models that check it. A field that is left out takes \
its default; an unknown one is refused with the nearest right name. Paths are relative to the experiment file. \
[experiments/sample.yaml](../experiments/sample.yaml) is a whole example."""
SIGNS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}
PER_NAME = {"sources": "sources.NAME"}  # mappings whose values are sections of their own
HIDDEN = {"base"}
WORDS: dict[object, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", types.NoneType: "null", Any: "value",
}  # fmt: skip


def settings_page() -> str:
    """The page."""
    sections = list(_sections(Experiment, ""))
    count = sum(len(rows) for _, _, rows in sections)
    parts = [f"{HEAD} There are {count} fields."]
    for place, about, rows in sections:
        title = f"## `{place}`" if place else "## At the top"
        lines = [f"| `{name}` | {default} | {allowed} | {meaning} |" for name, default, allowed, meaning in rows]
        table = "\n".join(["| field | default | allowed | meaning |", "|---|---|---|---|", *lines])
        parts.append(f"{title}\n{about}" + (f"\n\n{table}" if rows else ""))
    return "\n\n".join(parts) + "\n"


def _sections(model: type[BaseModel], place: str) -> Iterator[tuple[str, str, list[tuple[str, ...]]]]:
    """(place in the file, what it is, rows of its fields), a section before those inside it."""
    meanings, rows, inner = _docstrings(model), [], []
    for name, field in model.model_fields.items():
        if name in HIDDEN:
            continue
        path = f"{place}.{name}" if place else name
        section = _section_of(field.annotation)
        if section:
            inner.append((section, PER_NAME.get(path, path)))
            if not meanings.get(name):
                continue
        default = "a section" if section and not _is_required(field) and field.default is not None else _default(field)
        if default == "**required**" and "By default" in meanings.get(name, ""):
            default = "by the rest"  # filled in before the model is checked
        rows.append((name, default, _allowed(field), _cell(meanings.get(name, ""))))
    yield place, _cell(inspect.getdoc(model) or ""), rows
    for section, path in inner:
        yield from _sections(section, path)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The model of a section, of an optional one, or of each value of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_of(part))), None)


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Field → the text under it in the source."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for line, following in zip(tree.body, tree.body[1:], strict=False):
        is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and is_text:
            texts[line.target.id] = str(following.value.value)  # type: ignore[attr-defined]
    return texts


def _is_required(field: FieldInfo) -> bool:
    return field.default is PydanticUndefined and field.default_factory is None


def _default(field: FieldInfo) -> str:
    if _is_required(field):
        return "**required**"
    if field.default_factory is not None:
        return "by the size" if (field.default_factory.__name__ or "").startswith("rule_") else "by the rest"
    value = field.default
    if value is None or value == () or value == {}:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return _cell(f"`{', '.join(map(str, value)) if isinstance(value, tuple | list) else value}`")


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _allowed(field: FieldInfo) -> str:
    bounds = [f"{text} {_number(getattr(mark, sign.__name__.lower()))}" for mark in field.metadata
              for sign, text in SIGNS.items() if isinstance(mark, sign)]  # fmt: skip
    lengths = [f"{mark.min_length} or more" for mark in field.metadata if isinstance(mark, MinLen)]
    lengths += [f"{mark.max_length:,} at most" for mark in field.metadata if isinstance(mark, MaxLen)]
    return ", ".join([_kind(field.annotation), *bounds, *lengths])


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0])
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts if part is not types.NoneType)
    if origin is tuple:
        of = parts[:1] if parts[-1] is Ellipsis else parts
        return "list of " + _kind(of[0]) if parts[-1] is Ellipsis else " and ".join(_kind(part) for part in of)
    if origin in (dict, list):
        return f"{_kind(parts[0])} → {_kind(parts[-1])}" if origin is dict else f"list of {_kind(parts[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _cell(text: str) -> str:
    """One line of a table."""
    return " ".join(text.split()).replace("|", "\\|")
