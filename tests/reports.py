"""A swarm with odd names, whose report several tests look at."""

from pathlib import Path

import numpy as np
import polars as pl
from support import here

HOSTILE = "<script>alert(1)</script>"
DOMAINS = ("code", "web/a_topic_with_a_very_long_name_indeed_it_is", HOSTILE, "](x) | & \"quoted\" 'name'")
SECTIONS = ("verdict", "mix", "scores", "why", "slices", "others", "trust", "swarm", "lineage")
FILES = ("--ratios", "ratios.csv", "--metrics", "metrics.csv", "--families", "families.yaml", "--law", "log_linear")


def write_swarm(folder: Path, mixes: int = 24, seed: int = 0) -> None:
    """Files of a swarm with a natural mix, replicates, and accuracies in one family."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(len(DOMAINS), 2.0), size=mixes)
    weights = np.concatenate([weights, weights[:2]])
    keys = {"run": [f"r{i}" for i in range(len(weights))]}
    noise = rng.normal(0, 0.01, (4, len(weights)))
    scores = {
        "humaneval_bpb": 2 - np.sqrt(weights[:, 0]) + noise[0],
        "mbpp_bpb": 2.2 - np.sqrt(weights[:, 0]) + noise[1],
        "arc_bpb": 2 - np.sqrt(weights[:, 1]) + noise[2],
        HOSTILE: 2 - np.sqrt(weights[:, 2]) + noise[3],
    }
    pl.DataFrame({**keys, **dict(zip(DOMAINS, weights.T, strict=True))}).write_csv(folder / "ratios.csv")
    pl.DataFrame({**keys, **scores}).write_csv(folder / "metrics.csv")
    tokens = pl.DataFrame({"domain": DOMAINS, "tokens": [1e11, 4e11, 1e11, 2e11]})
    tokens.write_csv(folder / "tokens.csv")
    families = f"code: [humaneval_bpb, mbpp_bpb]\nqa: {{metrics: [arc_bpb, '{HOSTILE}'], unit: bpb}}\n"
    (folder / "families.yaml").write_text(families)


def made_report(folder: Path, *words: str) -> str:
    """The page that the command writes of that swarm."""
    done = here("report", *FILES, "--tokens", "tokens.csv", *words, folder=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "report.html").read_text()
