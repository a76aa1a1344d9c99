"""The laws by name."""

from mixes.laws.kind import LawKind
from mixes.laws.linear import Linear
from mixes.laws.log_linear import LogLinear
from mixes.laws.transfer import Transfer

LAWS: dict[str, LawKind] = {law.name: law for law in (Linear(), LogLinear(), Transfer())}
