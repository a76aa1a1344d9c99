"""The names of the two thick lines in the figure of the swarm neither touch nor leave it."""

import pytest

from flows.report.sections.swarm import APART, _labels_at

WIDE = 440.0  # pixels
SIZES = (46, 84)  # of `natural` and `recommended`


@pytest.mark.parametrize("natural", range(0, 441, 40))
@pytest.mark.parametrize("recommended", range(0, 441, 40))
def test_names_stay_apart_and_inside(natural, recommended):
    spans = []
    for top, size, (align, up) in zip(
        (natural, recommended), SIZES, _labels_at(natural, recommended, WIDE), strict=True
    ):
        start = top if align == "left" else top - size
        assert start >= 0
        spans.append((start, start + size, up))
    (a, b, of_natural), (c, d, of_recommended) = spans
    assert of_natural != of_recommended or b <= c or d <= a
    assert max(b, d) <= WIDE
    assert max(SIZES) <= APART
