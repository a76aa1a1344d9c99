"""A recommendation as data frames; the columns have the names that the catalog gives them."""

import polars as pl

from mixes.recommendation.result import Recommendation
from mixes.target import OVERALL


def weights_frame(recommendation: Recommendation) -> pl.DataFrame:
    """One row per domain, the largest weight first."""
    rows = []
    for domain, weight in recommendation.mix.items():
        natural, (low, high) = recommendation.natural[domain], recommendation.intervals[domain]
        rows.append(
            {
                "domain": domain,
                "natural_weight": natural,
                "weight": weight,
                "low": low,
                "high": high,
                "ratio": weight / natural if natural else None,
                "epochs": recommendation.epochs.get(domain),
                "capped": domain in recommendation.caps,
            }
        )
    frame = pl.DataFrame(rows, schema_overrides={"ratio": pl.Float64, "epochs": pl.Float64})
    return frame.sort("weight", descending=True, maintain_order=True)


def scores_frame(recommendation: Recommendation) -> pl.DataFrame:
    """One row for the target, each family and each task."""
    rows = []
    for name, row in recommendation.predicted.items():
        kind = "target" if name == OVERALL else "family" if name in recommendation.families else "task"
        rows.append(
            {
                "name": name,
                "kind": kind,
                "natural": row.natural,
                "uniform": row.uniform,
                "recommended": row.mix,
                "gain": row.gain,
                "gain_low": row.gain_low,
                "gain_high": row.gain_high,
                "chance": row.chance,
                "noise": row.noise,
                "verdict": recommendation.verdict.get(name),
            }
        )
    order = pl.Enum(["target", "family", "task"])
    frame = pl.DataFrame(rows, schema_overrides={"kind": order, "verdict": pl.String})
    return frame.sort("kind", maintain_order=True)
