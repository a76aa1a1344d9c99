"""YAML that a user names: keys once, aliases that stand for little, nesting that ends; each refused in one line."""

import pytest

from mixes.errors import MixError
from mixes.tables.yaml_file import read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)


def read(text: str, tmp_path) -> object:
    (tmp_path / "f.yaml").write_text(text, encoding="utf-8", newline="")
    return read_yaml(tmp_path / "f.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' appears twice — keep one"),
        ("x:\n  y: {p: 1, p: 2}\n", "line 2: 'p' appears twice"),
        ("1: a\n1: b\n", "line 2: 1 appears twice"),
        (BOMB, "its aliases written out"),
        ("&a [*a]", "an alias stands for what contains it"),
        ("[" * 20_000 + "]" * 20_000, "line 1: nests more than 40 deep"),
        ("".join(" " * depth + "a:\n" for depth in range(500)), "line 41: nests more than 40 deep"),
        ("a: 2024-13-45", "month must be in 1..12"),
        ("a: \0", "not YAML"),
        ("? [a, b]\n: 1\n", "line 1: not YAML"),
        ("!!python/object/apply:os.system ['true']", "line 1: not YAML"),
    ],
)
def test_what_is_refused(text, message, tmp_path):
    with pytest.raises(MixError) as error:
        read(text, tmp_path)
    assert message in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: [1, 2.5, x]\nb: {c: null}", {"a": [1, 2.5, "x"], "b": {"c": None}}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("b: &b {x: 1}\nc:\n  <<: *b\n  x: 2\nd: *b\n", {"b": {"x": 1}, "c": {"x": 2}, "d": {"x": 1}}),
        ("", None),
        ("{1: a, '1': b}", {1: "a", "1": "b"}),
    ],
)
def test_what_is_read(text, content, tmp_path):
    assert read(text, tmp_path) == content
