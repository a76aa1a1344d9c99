"""The two classifiers, and which version of each the finished stages hold."""

import json
from pathlib import Path

QUALITY, TOPIC = "quality", "topic"


def version_at(models: Path, kind: str) -> str | None:
    """The version of a classifier in a finished stage; None where it has none that can still be loaded."""
    file = models / kind / "classifier.json"
    if not file.exists():
        return None
    description = json.loads(file.read_bytes())
    whole = all((models / kind / path).is_file() for path in description["models"])
    return str(description["version"]) if whole else None


def previous_version(models: Path, kind: str) -> Path | None:
    """The last stage that was finished before this one with another version of the classifier."""
    made = (models / "stage.json").stat().st_mtime_ns
    others = [
        (at, stage.parent)
        for stage in models.parent.glob(f"{models.name.partition('-')[0]}-*/stage.json")
        if (at := stage.stat().st_mtime_ns) < made
        and version_at(stage.parent, kind) not in (None, version_at(models, kind))
    ]
    return max(others)[1] if others else None
