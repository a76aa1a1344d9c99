"""YAML files that a user names, read without trust.

PyYAML's safe loader runs no code, but it keeps the last of two equal keys without a word, follows aliases until a
kilobyte stands for gigabytes, and recurses as deep as a file nests. Here each of the three is refused with its line.
"""

from pathlib import Path
from typing import Any

import yaml

from mixes.errors import MixError, cut_short
from mixes.tables.plain_file import check_plain

MOST_BYTES = 16 << 20  # of a file (assumed: 100,000 metrics take 5 MB)
DEEPEST = 40  # nesting; an experiment needs 5
MOST_VALUES = 300_000  # with every alias written out


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        MixError: it cannot be read, is not YAML, names a key twice, nests too deep, or its aliases stand for too much.
    """
    try:
        check_plain(path)
        if path.stat().st_size > MOST_BYTES:
            raise MixError(
                f"{path}: has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,} — is it the right file?"
            )
        text = path.read_text(encoding="utf-8-sig")
        _check_depth(path, text)
        return _Loader.load_from(path, text)
    except OSError as error:
        raise MixError(f"{path}: {error.strerror} — give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise MixError(f"{path}: not YAML (undecodable)") from None
    except _Doubled as error:
        raise MixError(f"{path} line {error.line}: {error.problem}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise MixError(f"{path}{where}: not YAML ({getattr(error, 'problem', None) or 'undecodable'})") from None
    except ValueError as error:  # a NUL in the path, a date that does not exist
        if isinstance(error, MixError):
            raise
        raise MixError(f"{path}: {error}") from None
    except (LookupError, AttributeError, TypeError):  # what PyYAML raises over `!!bool maybe`, `!!int ''` and the like
        raise MixError(f"{path}: not YAML (a value is not what its tag !!… says)") from None


def _check_depth(path: Path, text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_FastLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise MixError(f"{path} line {line}: nests more than {DEEPEST} deep")
        if number > 2 * MOST_VALUES:  # a list or mapping is two events; building more would take minutes
            raise MixError(f"{path}: holds more than {MOST_VALUES:,} values — is it the right file?")


class _Doubled(yaml.constructor.ConstructorError):
    """A key appears twice in one mapping."""

    def __init__(self, key: object, line: int) -> None:
        super().__init__(problem=f"{cut_short(key)} appears twice — keep one")
        self.line = line


_FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FastLoader):  # type: ignore[misc, valid-type]
    @classmethod
    def load_from(cls, path: Path, text: str) -> Any:
        loader = cls(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(path, node)
            return loader.construct_document(node)
        finally:
            loader.dispose()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """A mapping, each key once."""
        seen: set = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            try:
                twice = key in seen
                seen.add(key)
            except TypeError:  # a list or mapping as a key, which the loader refuses
                continue
            if twice:
                raise _Doubled(key, key_node.start_mark.line + 1)
        return super().construct_mapping(node, deep)


def _check_size(path: Path, root: yaml.Node) -> None:
    """See that the document is small with every alias written out, and that none contains itself."""
    sizes: dict[int, int] = {}
    inside: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        parts = _parts(node)
        if done:
            inside.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(part)] for part in parts)
            if sizes[id(node)] > MOST_VALUES:
                raise MixError(f"{path}: holds more than {MOST_VALUES:,} values, its aliases written out")
        elif id(node) not in sizes:
            if id(node) in inside:
                raise MixError(f"{path} line {node.start_mark.line + 1}: an alias stands for what contains it")
            inside.add(id(node))
            stack.append((node, True))
            stack += [(part, False) for part in parts]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []
