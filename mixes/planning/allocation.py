"""Ways to spend a budget on proxies of several sizes: few large ones against many small ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mixes.certainty.at_size import NEEDED
from mixes.errors import MixError
from mixes.laws.ladder import ladder_to
from mixes.runs import Size

FEWEST = 4  # proxies of a size that a way has at least: two fits of what mixes do there, and something to check it
LARGER = 2  # sizes above the smallest that are compared: the largest that the budget allows, and one between


@dataclass(frozen=True)
class Step:
    """Proxies of one size."""

    size: Size
    runs: int
    chosen: bool = False  # drawn around the mix that is best by all other runs, in place of over all mixes


@dataclass(frozen=True)
class Allocation:
    """One way to spend the budget."""

    steps: tuple[Step, ...]  # chosen ones last, as they wait for the others' scores

    def cost(self, costs: Mapping[Size, float]) -> float:
        """In the unit of `costs`, which are per run."""
        return sum(step.runs * costs[step.size] for step in self.steps)


def allocations(
    costs: Mapping[Size, float], budget: float, asked: Size, at_hand: Sequence[Size] = (), mixes_at_hand: int = 0
) -> list[Allocation]:
    """The ways that are worth comparing; the first trains the smallest size alone.

    Args:
        costs: size → what one run costs; the smallest size is that of the swarm.
        budget: in the same unit.
        asked: the size that the answer is for.
        at_hand: sizes of runs that were made before.
        mixes_at_hand: their mixes.

    Raises:
        MixError: the budget pays for too few runs of the smallest size.
    """
    small, *larger = sorted(costs, key=costs.__getitem__)
    runs = int(budget // costs[small])
    if runs + mixes_at_hand < NEEDED or not runs:
        raise MixError(
            f"budget: {budget:.3g} FLOPs pay for {runs} proxies of {small} ({costs[small]:.3g} each), and with "
            f"{mixes_at_hand} mixes at hand laws need {NEEDED} — give more, or a smaller proxy.size"
        )
    ways = [Allocation((Step(small, runs),))]
    affordable = [size for size in larger if budget / 2 >= FEWEST * costs[size]]
    for size in _compared([size for size in affordable if _reaches({small, size, *at_hand}, asked)]):
        all_large = int(budget // costs[size])
        if all_large + mixes_at_hand >= NEEDED:
            ways.append(Allocation((Step(size, all_large),)))
        for share, chosen in ((1 / 2, False), (1 / 2, True), (1 / 4, True)):
            large = int(share * budget // costs[size])
            few = int((budget - large * costs[size]) // costs[small])
            if large >= FEWEST and few + mixes_at_hand + (0 if chosen else large) >= NEEDED:
                ways.append(Allocation((Step(small, few), Step(size, large, chosen))))
        if mixes_at_hand >= NEEDED:
            ways.append(Allocation((Step(size, all_large, True),)))
    return ways


def _reaches(sizes: Collection[Size], asked: Size) -> bool:
    """Whether a law over these sizes can be asked for that one."""
    try:
        ladder_to(sorted(sizes), asked)
    except MixError:
        return False
    return True


def _compared(sizes: Sequence[Size]) -> list[Size]:
    """The largest, and one half way to it."""
    if len(sizes) <= LARGER:
        return list(sizes)
    return [sizes[(len(sizes) - 1) // 2], sizes[-1]]
