"""Choose the data mixture that a language model is trained on: the public Python API.

    import mixes

    swarm = mixes.read_swarm("ratios.csv", "metrics.csv", families="families.yaml")
    best = mixes.recommend(swarm, target={"code": 0.7, "math": 0.3}, tokens="tokens.csv", budget="6T")

docs/python.md shows the rest. Neither torch nor Prefect is imported; each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixes.api.draw import draw_swarm
    from mixes.api.example import example_files
    from mixes.api.laws import Law, Laws, fit_laws
    from mixes.api.recommend import Recommendation, recommend
    from mixes.api.swarm import Swarm, read_swarm
    from mixes.errors import MixError

__all__ = [
    "Law", "Laws", "MixError", "Recommendation", "Swarm", "draw_swarm", "example_files", "fit_laws", "read_swarm",
    "recommend",
]  # fmt: skip

_HOMES = {
    "Law": "mixes.api.laws",
    "Laws": "mixes.api.laws",
    "MixError": "mixes.errors",
    "Recommendation": "mixes.api.recommend",
    "Swarm": "mixes.api.swarm",
    "draw_swarm": "mixes.api.draw",
    "example_files": "mixes.api.example",
    "fit_laws": "mixes.api.laws",
    "read_swarm": "mixes.api.swarm",
    "recommend": "mixes.api.recommend",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mixes' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
