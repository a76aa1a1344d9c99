"""Olmix: the `data` and `mix` of a configuration for `olmix launch` (olmix/aliases.py: LaunchConfig).

Olmix names a domain `source`, `source:topic` or `source:topic:quality`. A domain with a colon in its name is taken
apart at it, so a mix of an Olmix swarm keeps its names; a quality bucket becomes a quality.
"""

from typing import Any

from flows.trainers.handover import HandOver, Part
from flows.trainers.trainer import Place, Trainer, Written, yaml_text

FILE = "launch.yaml"
LEVELS = 3  # source, topic, quality


def _levels(part: Part) -> list[str]:
    """Source, topic and quality of a part, as many as it has."""
    most = LEVELS if part.bucket is None else LEVELS - 1
    levels = [level for level in part.domain.split(":") if level]
    if len(levels) > most:
        levels = [*levels[: most - 1], "-".join(levels[most - 1 :])]
    return levels if part.bucket is None else [*levels, f"bucket_{part.bucket:02d}"]


def _paths(part: Part) -> list[str]:
    return [str(file.path) for file in part.files] or list(part.paths)


def _sources(parts: list[tuple[list[str], Part]]) -> list[dict[str, Any]]:
    """`data.sources`: a source has either paths, or topics, or qualities."""
    sources: list[dict[str, Any]] = []
    for name in dict.fromkeys(levels[0] for levels, _ in parts):
        inner = [(levels[1:], part) for levels, part in parts if levels[0] == name]
        sources.append({"name": name, **_inside(inner)})
    return sources


def _inside(inner: list[tuple[list[str], Part]]) -> dict[str, Any]:
    if not inner[0][0]:
        return {"paths": [path for _, part in inner for path in _paths(part)]}
    if all(len(levels) == 1 and part.bucket is not None for levels, part in inner):
        return {"quality": [{"name": levels[0], "paths": _paths(part)} for levels, part in inner]}
    topics = []
    for name in dict.fromkeys(levels[0] for levels, _ in inner):
        deeper = [(levels[1:], part) for levels, part in inner if levels[0] == name]
        if deeper[0][0]:
            topics.append({"name": name, "quality": [{"name": d[0], "paths": _paths(p)} for d, p in deeper]})
        else:
            topics.append({"name": name, "paths": _paths(deeper[0][1])})
    return {"topics": topics}


def _write(plan: HandOver, place: Place) -> Written:
    parts = [(_levels(part), part) for part in plan.parts]
    names = [":".join(levels) for levels, _ in parts]
    mix = {
        name: {"weight": part.share, "repetition_factor": max(1.0, part.cap, round(part.epochs * 1.001, 6))}
        for name, part in zip(names, plan.parts, strict=True)
    }
    data: dict[str, Any] = {"sources": _sources(parts)}
    if plan.vocabulary:
        data["dtype"] = plan.vocabulary.dtype.name
    place.write(FILE, yaml_text({"name": plan.recommendation, "data": data, "mix": mix}))
    usage = [
        f"Add your `infra`, `training` and `eval` sections to `{FILE}`, then: `olmix launch run --variants {FILE}`.",
        f"Olmix trains on `chinchilla_multiple` × 20 × parameters tokens; this mix is for {int(plan.tokens):,}.",
        "`repetition_factor` is the most that a source may repeat; Olmix stops with an error above it.",
    ]
    return Written(names, [part.share for part in plan.parts], usage)


TRAINER = Trainer(
    name="olmix",
    title="Olmix",
    counts="tokens",
    explained="`weight` is a share of tokens; Olmix hands it to OLMo-core.",
    write=_write,
)
