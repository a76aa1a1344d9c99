"""What is available of each domain: the natural mix, tokens, and caps that are set elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Holdings:
    """What is available of each domain; None where it is unknown.

    natural: domain → share. Without it the swarm's centre takes its place, and nothing pulls to it.
    available: domain → tokens that a training run can draw on. Without it no epochs are counted.
    caps: domain → largest weight, for reasons other than epochs.
    """

    natural: Mapping[str, float] | None = None
    available: Mapping[str, float] | None = None
    caps: Mapping[str, float] | None = None
