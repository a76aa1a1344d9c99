"""A recommendation as rows of the catalog's tables."""

import json
from datetime import datetime
from typing import Any

from mixes.recommendation.result import Recommendation

KNOWN_OF_LAW = ("noise", "spread", "precision")
OF_COMPARED = ("gain", "gain_low", "gain_high", "behind", "behind_low", "behind_high", "verdict", "allowed")
Rows = list[dict[str, Any]]


def recommendation_rows(
    recommendation: Recommendation, number: int, made_at: datetime, settings: dict[str, Any], buckets: Rows
) -> dict[str, Rows]:
    """Table → rows.

    Args:
        recommendation: the recommendation.
        number: its place among those of its swarm.
        made_at: when it is recorded, UTC.
        settings: section of the experiment → what it asks.
        buckets: how often each repeats.
    """
    known = {"number": number, "made_at": made_at.replace(tzinfo=None), "settings": json.dumps(settings)}
    tables = {
        "recommendations": [{**known, **_head(recommendation)}],
        "marginals": _marginals(recommendation),
        "cautions": [
            {"kind": caution.kind, "names": json.dumps(caution.names), "text": caution.text}
            for caution in recommendation.cautions
        ],
        "compared_mixes": _compared(recommendation),
        "recommendation_weights": _weights(recommendation),
        "recommendation_buckets": buckets,
        "predictions": _predictions(recommendation),
        "laws": _laws(recommendation),
    }
    return {name: [{"recommendation": recommendation.id, **row} for row in rows] for name, rows in tables.items()}


def _head(recommendation: Recommendation) -> dict[str, Any]:
    return {
        "at_size": recommendation.at,
        "target": json.dumps(recommendation.target), "target_text": target_text(recommendation),
        "budget": recommendation.budget, "max_epochs": recommendation.max_epochs,
        "evidence": json.dumps(recommendation.evidence), "verdict": recommendation.verdict["target"],
        "summary": recommendation.summary, "gap": recommendation.gap, "noise_from": recommendation.noise_from,
        "regret": recommendation.regret,
    }  # fmt: skip


def target_text(recommendation: Recommendation) -> str:
    """What the target counts, as "50 % code, 30 % math, 20 % sciq": families, and tasks of none; the largest first."""
    left = dict(recommendation.target)
    shares: dict[str, float] = {}
    for family, tasks in recommendation.families.items():
        counted = [task for task in tasks if left.get(task)]
        if counted:
            shares[family] = sum(left.pop(task) for task in counted)
    shares |= {task: weight for task, weight in left.items() if weight}
    return ", ".join(f"{share:.0%} {name}".replace("%", " %") for name, share in sorted(shares.items(), key=_by_share))


def _by_share(pair: tuple[str, float]) -> tuple[float, str]:
    return -pair[1], pair[0]


def _weights(recommendation: Recommendation) -> Rows:
    return [
        {
            "domain": domain, "natural_weight": recommendation.natural[domain], "weight": weight,
            "low": recommendation.intervals[domain][0], "high": recommendation.intervals[domain][1],
            "epochs": recommendation.epochs[domain], "capped": domain in recommendation.caps,
        }
        for domain, weight in recommendation.mix.items()
    ]  # fmt: skip


def _compared(recommendation: Recommendation) -> Rows:
    return [
        {
            "mix": row.name, "kind": row.kind, "against": row.against, "weights": json.dumps(row.mix),
            **{name: getattr(row, name) for name in OF_COMPARED},
        }
        for row in recommendation.beside
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
