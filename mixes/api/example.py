"""A swarm to try things on: the one of Olmix, which comes with this package."""

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "example"


def example_files() -> Path:
    """The folder of a public swarm: 127 proxies of 30M parameters on 24 topics of DCLM, scored on 110 tasks.

    It holds `ratios.csv`, `metrics.csv`, `families.yaml`, `tokens.csv`, and a README.md with source and licence
    (allenai/olmix, Apache-2.0).

    Example:
        files = mixes.example_files()
        swarm = mixes.read_swarm(files / "ratios.csv", files / "metrics.csv", families=files / "families.yaml")
    """
    return FOLDER
