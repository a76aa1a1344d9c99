"""Small multiples leave no panel alone; a front is drawn as small as it is, and as one mix where it is one."""

import pytest

from flows.report.figure import NARROW, WIDE
from flows.report.key import Sign, _columns, key
from flows.report.marks import panel_columns
from flows.report.sections.front import _around, _is_point, _is_small

WORDS = ["recommended", "natural", "90 % interval", "cap by the limits"]


@pytest.mark.parametrize("count", range(1, 13))
def test_no_panel_is_alone_in_the_last_row(count):
    columns = panel_columns(count, 3, WIDE)
    assert 1 <= columns <= 4
    assert count <= columns or count % columns != 1
    assert panel_columns(count, 3, NARROW) == (2 if count % 2 == 0 else 1)


def test_a_key_takes_as_many_columns_as_fit():
    assert _columns(WORDS, 500) == 4
    assert _columns(WORDS, 240) == 2
    assert _columns(["a very long entry of a key that takes it all"] * 3, 215) == 1


def test_a_key_has_every_entry_and_draws_nothing():
    drawn = key([Sign("one", "#000000"), Sign("two", "#ff0000", hollow=True)], 300).to_dict()
    assert drawn["encoding"]["shape"]["scale"]["domain"] == ["one", "two"]
    assert drawn["encoding"]["fill"]["scale"]["range"] == ["#000000", "transparent"]
    assert not list(drawn["data"]["values"])


def _path(*points: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in points]


def test_a_front_of_one_mix_is_seen_as_one():
    marked = _path((2.0, 2.0), (1.0, 1.0))  # the reference, and the recommended mix
    assert _is_point(_path((1.0, 1.0), (1.001, 0.999)), marked)
    assert not _is_point(_path((1.0, 1.0), (1.2, 0.9)), marked)
    assert _is_point(_path((1.0, 1.0)), marked)


def test_a_small_front_is_shown_close_up():
    reach = [(0.0, 1.0), (0.0, 1.0)]
    assert _is_small(_path((0.1, 0.2), (0.2, 0.1)), reach)
    assert not _is_small(_path((0.1, 0.6), (0.6, 0.1)), reach)
    low, high = _around(_path((0.1, 0.2), (0.2, 0.1)), "x")
    assert low < 0.1 < 0.2 < high
