"""A recommendation as rows of the catalog's tables."""

import json
from typing import Any

from mixes.recommendation.result import Recommendation

KNOWN_OF_LAW = ("noise", "spread", "precision")
Rows = list[dict[str, Any]]


def recommendation_rows(recommendation: Recommendation, number: int, buckets: Rows) -> dict[str, Rows]:
    """Table → rows; number: of the recommendation in its work folder; buckets: how often each repeats."""
    tables = {
        "recommendations": [_head(recommendation, number)],
        "marginals": _marginals(recommendation),
        "cautions": [
            {"kind": caution.kind, "names": json.dumps(caution.names), "text": caution.text}
            for caution in recommendation.cautions
        ],
        "recommendation_weights": _weights(recommendation),
        "recommendation_buckets": buckets,
        "predictions": _predictions(recommendation),
        "laws": _laws(recommendation),
    }
    return {name: [{"recommendation": recommendation.id, **row} for row in rows] for name, rows in tables.items()}


def _head(recommendation: Recommendation, number: int) -> dict[str, Any]:
    return {
        "number": number, "target": json.dumps(recommendation.target), "budget": recommendation.budget,
        "max_epochs": recommendation.max_epochs, "verdict": recommendation.verdict["target"],
        "summary": recommendation.summary, "gap": recommendation.gap, "noise_from": recommendation.noise_from,
    }  # fmt: skip


def _weights(recommendation: Recommendation) -> Rows:
    return [
        {
            "domain": domain, "natural_weight": recommendation.natural[domain], "weight": weight,
            "low": recommendation.intervals[domain][0], "high": recommendation.intervals[domain][1],
            "epochs": recommendation.epochs[domain], "capped": domain in recommendation.caps,
        }
        for domain, weight in recommendation.mix.items()
    ]  # fmt: skip


def _predictions(recommendation: Recommendation) -> Rows:
    return [
        {
            "name": name, "mix_bpb": row.mix, "natural_bpb": row.natural, "uniform_bpb": row.uniform,
            "gain": row.gain, "gain_low": row.gain_low, "gain_high": row.gain_high, "noise": row.noise,
            "error": row.error, "verdict": recommendation.verdict.get(name), "chance": row.chance,
            "optimism": row.optimism, "mix_low": row.mix_low, "mix_high": row.mix_high,
            "checkpoint_bpb": recommendation.forgotten[name].checkpoint if recommendation.forgotten else None,
        }
        for name, row in recommendation.predicted.items()
    ]  # fmt: skip


def _marginals(recommendation: Recommendation) -> Rows:
    return [
        {"domain": domain, "family": family, "change": change}
        for domain, row in recommendation.marginal.items()
        for family, change in row.items()
    ]


def _laws(recommendation: Recommendation) -> Rows:
    """Every law that was tried on a task, and the choice among them."""
    rows = []
    for task, law in recommendation.law.items():
        known = {field: getattr(law, field) for field in KNOWN_OF_LAW}
        for name, error in law.errors.items():
            tried = {"law": name, "used": name == law.name, "error": error}
            rows.append({"task": task, **tried, "rank_correlation": law.rank_correlations[name], **known})
        chosen = {"error": law.error, "rank_correlation": law.rank_correlation}
        rows.append({"task": task, "law": "chosen", "used": False, **chosen, **known})
    return rows
