"""The laws by name, from plain to rich: of two that predict equally well, the first is taken."""

from mixes.errors import MixError
from mixes.laws.bimix import BiMix
from mixes.laws.gp import Gp
from mixes.laws.kind import LawKind
from mixes.laws.lightgbm import LightGbm
from mixes.laws.linear import Linear
from mixes.laws.log_linear import LogLinear
from mixes.laws.transfer import Transfer

LAWS: dict[str, LawKind] = {law.name: law for law in (Linear(), LogLinear(), BiMix(), Transfer(), Gp(), LightGbm())}


def law_named(name: str) -> LawKind:
    """The law of that name.

    Raises:
        MixError: there is none.
    """
    if name not in LAWS:
        raise MixError(f"law: {name!r} is unknown — known are auto, {', '.join(LAWS)}")
    return LAWS[name]
