"""The numbers of the best runs in the figure of the swarm neither touch each other nor hide a line's mark."""

import numpy as np
import pytest

from flows.report.sections.best_runs import ASIDE, CLOSE, SIDES, _free_side
from flows.report.ticks import linear_ticks, root_end, root_ticks

ROW = 24  # pixels


def test_numbers_that_would_touch_give_way():
    placed = [(100.0, 0.0)]  # the mark of the recommended mix
    sides = []
    for _ in range(2):
        side = _free_side(100.0 + CLOSE / 2, 0.0, placed)
        placed.append((100.0 + CLOSE / 2, side))
        sides.append(side)
    assert sides == [-ASIDE, ASIDE]
    assert _free_side(100.0 + 2 * CLOSE, 0.0, placed) == 0


def test_a_number_gives_way_to_one_of_the_row_above():
    below_the_first_row = (50.0, ROW - 2 * ASIDE + 5.0)
    assert _free_side(50.0, ROW, [(50.0, float(ROW)), below_the_first_row]) == SIDES[-1]


@pytest.mark.parametrize("wide", [215, 446])
@pytest.mark.parametrize("largest", [0.03, 0.21, 0.63, 1.0])
def test_an_axis_of_roots_bears_both_ends_and_no_labels_that_touch(wide, largest):
    end = root_end(largest)
    ticks = root_ticks(end, wide)
    assert end >= largest
    assert (ticks[0], ticks[-1]) == (0, end)
    assert min(np.diff(np.sqrt(ticks)) / end**0.5 * wide) >= 38


def test_small_shares_are_labelled_where_there_is_room():
    assert {0.01, 0.05, 0.2, 1.0} <= set(root_ticks(1.0, 446))
    assert {0.05, 0.2, 1.0} <= set(root_ticks(1.0, 215))


def test_linear_ticks():
    assert linear_ticks(0.285, 6) == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]
    assert linear_ticks(0.0004, 4) == [0.0]
