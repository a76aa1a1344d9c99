"""Ticks of axes that hold their ends, and as many labels as there is room for."""

from collections.abc import Sequence

STEPS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
ROOTS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # shares, on an axis of roots
FIRST = (0.0, 1.0, 0.01, 0.05, 0.2, 0.1, 0.5, 0.02, 0.4, 0.8, 0.3, 0.6, 0.005, 0.001)  # those wanted most first
LABEL = 38  # pixels of a label with the space around it


def linear_ticks(largest: float, most: int) -> list[float]:
    """Multiples of a round step from 0 to the share `largest`: at most `most` steps."""
    step = next((step for step in STEPS if largest / step <= most), STEPS[-1])
    return [round(number * step, 6) for number in range(int(largest / step + 1e-9) + 1)]


def root_end(largest: float) -> float:
    """Where an axis of roots ends, so that its end bears a label."""
    return next((tick for tick in ROOTS if tick >= largest - 1e-9 and tick > 0), 1.0)


def root_ticks(end: float, wide: float) -> Sequence[float]:
    """Shares whose labels do not touch on an axis of roots of `wide` pixels that ends at `end`; both ends are there."""
    chosen = [0.0, end]
    for tick in FIRST:
        if 0 < tick < end and all(abs(tick**0.5 - other**0.5) * wide / end**0.5 >= LABEL for other in chosen):
            chosen.append(tick)
    return sorted(chosen)
