"""The sizes of a swarm's proxies, as a law over sizes sees them from the size that is asked for.

A size's place is its distance from the asked size, in ln units: along ln parameters and ln tokens where the sizes tell
the two apart, else along half the logarithm of their product, which is proportional to compute. Swarms whose tokens go
with their parameters have one exponent, not two. Where only one of the two varies, that one is the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.runs import Size

APART = 0.35  # least share of the sizes' second spread in their first at which parameters and tokens are two (assumed)
TWO_FROM = 5  # sizes from which two exponents are fitted; with fewer nothing would be left to check them (assumed)
FARTHEST = 2.0  # times the range of the sizes, in ln units, that a law is let reach beyond them (assumed)
RATIO = (
    4.0  # times beyond the tokens per parameter of all runs that are reached, where these have one exponent (assumed)
)
SAME = 1e-2  # ln units within which two sizes are one


@dataclass(frozen=True)
class Ladder:
    """K sizes seen from the asked one."""

    sizes: tuple[Size, ...]
    asked: Size
    places: np.ndarray  # (K, p) in ln units: below zero is smaller than the asked size

    @property
    def beyond(self) -> float:
        """How many times the parameters of the largest size the asked one has; below 1 it lies among them."""
        return self.asked.parameters / max(size.parameters for size in self.sizes)

    @property
    def nearest(self) -> int:
        """The size whose proxies are most like those of the asked one."""
        return int(np.linalg.norm(self.places, axis=1).argmin())

    def walk(self, root: int) -> tuple[np.ndarray, np.ndarray]:
        """The way from every size to the size `root`. Numbers: 0 is the asked size, k + 1 is `sizes[k]`.

        Returns:
            (1 + K,) the number of the next size on the way, −1 for the root itself; (1 + K,) the distance to it.
        """
        places = np.concatenate([np.zeros((1, self.places.shape[1])), self.places])
        apart = np.linalg.norm(places[:, None] - places, axis=2)
        far = apart[root]
        parents, gaps = np.full(len(places), -1), np.zeros(len(places))
        for k in np.flatnonzero(np.arange(len(places)) != root):
            nearer = np.flatnonzero((far < far[k]) & (apart[k] < far[k]))
            parents[k] = min(nearer, key=lambda j: apart[k, j], default=root)
            gaps[k] = apart[k, parents[k]]
        return parents, gaps


def ladder_to(sizes: Sequence[Size], asked: Size) -> Ladder:
    """The sizes (different ones), seen from the asked one.

    Raises:
        MixError: one size, or an asked one that is too far from all of them.
    """
    if len(sizes) < 2:
        raise MixError(
            f"at {asked}: all runs have the size {sizes[0]} — a law over sizes needs runs of two sizes or more"
        )
    logs = np.log([[size.parameters, size.tokens or 1.0] for size in sizes])
    goal = np.log([asked.parameters, asked.tokens or 1.0])
    same = np.ptp(np.concatenate([logs, goal[None]]), axis=0) < SAME
    if same.any() and not same.all():
        places = (logs - goal)[:, ~same]
    elif _two(logs):
        places = logs - goal
    else:
        _check_ratio(sizes, asked, logs @ [-1, 1], float(goal[1] - goal[0]))
        places = ((logs - goal) / 2).sum(axis=1, keepdims=True)
    _check_reach(sizes, asked, places)
    return Ladder(tuple(sizes), asked, places)


def _two(logs: np.ndarray) -> bool:
    """Whether the sizes (K, 2) tell parameters and tokens apart."""
    if len(logs) < TWO_FROM:
        return False
    spread = np.linalg.svd(logs - logs.mean(axis=0), compute_uv=False)
    return bool(spread[1] > APART * spread[0])


def _check_ratio(sizes: Sequence[Size], asked: Size, ratios: np.ndarray, ratio: float) -> None:
    """Refuse tokens per parameter (ln) far from those of all sizes, where tokens have no exponent of their own."""
    if ratios.min() - np.log(RATIO) <= ratio <= ratios.max() + np.log(RATIO):
        return
    low, high = np.exp([ratios.min(), ratios.max()])
    usual = Size(asked.parameters, float(np.sqrt(low * high)) * asked.parameters)
    trained = f"{low:.3g}" if high / low < 1.1 else f"{low:.3g} to {high:.3g}"
    raise MixError(
        f"at {asked}: has {_times(ratio)} tokens per parameter, and the runs have {trained}, so nothing tells what "
        f"more or fewer tokens do — ask for {usual}, or add runs with other tokens per parameter"
    )


def _check_reach(sizes: Sequence[Size], asked: Size, places: np.ndarray) -> None:
    """Refuse a size that is farther from the sizes than FARTHEST times their range."""
    gap = np.maximum(places.min(axis=0), 0) + np.maximum(-places.max(axis=0), 0)  # beyond the box of the sizes
    reach = FARTHEST * np.ptp(places, axis=0)
    if (gap <= reach + SAME).all():
        return
    worst = int((gap - reach).argmax())
    axis = ("parameters", "tokens")[worst] if places.shape[1] == 2 else "size"
    raise MixError(
        f"at {asked}: lies {_times(gap[worst])} times beyond the {axis} of the runs, which span "
        f"{_times(np.ptp(places, axis=0)[worst])} times ({min(sizes)} to {max(sizes)}); a law reaches "
        f"{_times(reach[worst])} times beyond them — ask for a nearer size, or train runs nearer to it"
    )


def _times(log: float) -> str:
    """A factor with three digits, without an exponent."""
    factor = float(np.exp(log))
    return f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"
