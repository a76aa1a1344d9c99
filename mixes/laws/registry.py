"""The laws by name, from plain to rich: of two that predict equally well, the first is taken."""

from collections.abc import Sequence
from functools import cache

from mixes.errors import MixError
from mixes.laws.bimix import BiMix
from mixes.laws.curve import Curve
from mixes.laws.gp import Gp
from mixes.laws.kind import LawKind
from mixes.laws.lightgbm import LightGbm
from mixes.laws.linear import Linear
from mixes.laws.log_linear import LogLinear
from mixes.laws.transfer import Transfer
from mixes.quality_parts import ties_of

LAWS: dict[str, LawKind] = {law.name: law for law in (Linear(), LogLinear(), BiMix(), Transfer(), Gp(), LightGbm())}


def law_named(name: str, domains: Sequence[str] = ()) -> LawKind:
    """The law of that name. Where some of the domains are parts of one, its prior pulls these together.

    Raises:
        MixError: there is none.
    """
    if name not in LAWS:
        raise MixError(f"law: {name!r} is unknown — known are auto, {', '.join(LAWS)}")
    ties = ties_of(domains)
    return _tied(name, ties) if ties and isinstance(LAWS[name], Curve) else LAWS[name]


@cache
def _tied(name: str, ties: tuple[int, ...]) -> LawKind:
    law: LawKind = type(LAWS[name])(ties)  # type: ignore[call-arg]
    return law
