"""All limits on a mix, checked when they are built: limits that no mix meets cannot exist."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mixes.errors import MixError
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.conflict import conflict_of
from mixes.optimum.feasible import room_of, settle
from mixes.optimum.polytope import Room
from mixes.optimum.program import Scaled

EXACT = 1e-9  # how far a mix may be outside a limit: in weight, or as a share of a ceiling


@dataclass(frozen=True)
class Limits:
    """Bounds on domains' weights and their sums, and convex (or other) functions that must not exceed a number.

    Raises:
        MixError: an unknown domain, a name that appears twice, or limits that contradict each other: one line
            names the smallest set of those. Limits on laws that are not convex are checked only by the search.
    """

    domains: tuple[str, ...]
    bounds: tuple[Bound, ...] = ()
    ceilings: tuple[AtMost, ...] = ()

    def __post_init__(self) -> None:
        names = [bound.name for bound in self.bounds] + [ceiling.name for ceiling in self.ceilings]
        for bound in self.bounds:
            odd = sorted(set(bound.domains) - set(self.domains))
            if odd:
                raise MixError(f"limits: {bound.name!r} is about {odd[0]!r} — known are {', '.join(self.domains)}")
        for name in names:
            if names.count(name) > 1:
                raise MixError(f"limits: {name!r} appears twice")
        if self._settled is None:
            raise conflict_of(self.domains, self.bounds, self._convex)

    @property
    def convex(self) -> bool:
        """Whether the mixes that meet the limits are a convex set."""
        return len(self._convex) == len(self.ceilings)

    @property
    def _convex(self) -> tuple[AtMost, ...]:
        return tuple(ceiling for ceiling in self.ceilings if ceiling.objective.convex)

    @cached_property
    def _settled(self) -> tuple[Room, np.ndarray] | None:
        return settle(room_of(self.domains, self.bounds), self._convex)

    @property
    def room(self) -> Room:
        """The linear limits, with hidden equations made explicit."""
        assert self._settled
        return self._settled[0]

    @property
    def centre(self) -> np.ndarray:
        """A mix (n_domains,) strictly inside all convex limits."""
        assert self._settled
        return self._settled[1]

    @property
    def scaled(self) -> list[Scaled]:
        """The ceilings as functions that must stay ≤ 0 and are −1 at the centre."""
        at = [float(ceiling.objective.value(self.centre[None])[0]) for ceiling in self.ceilings]
        return [
            Scaled(ceiling.objective, ceiling.most, 1 / (ceiling.most - value))
            for ceiling, value in zip(self.ceilings, at, strict=True)
        ]

    @property
    def groups(self) -> tuple[Bound, ...]:
        """The bounds on sums, in the order of the room's groups."""
        return tuple(bound for bound in self.bounds if len(bound.domains) > 1)

    def met(self, mixes: np.ndarray) -> np.ndarray:
        """(n,) whether mixes (n, n_domains) meet everything, within EXACT."""
        good = self.room.holds(mixes, EXACT)
        for ceiling in self.ceilings:
            if not good.any():  # laws predict some mixes, not none
                break
            good[good] = ceiling.objective.value(mixes[good]) <= ceiling.most + EXACT * max(1.0, abs(ceiling.most))
        return good

    def and_also(self, *further: Bound | AtMost) -> "Limits":
        """These limits and more."""
        bounds = [limit for limit in further if isinstance(limit, Bound)]
        ceilings = [limit for limit in further if isinstance(limit, AtMost)]
        return Limits(self.domains, (*self.bounds, *bounds), (*self.ceilings, *ceilings))
