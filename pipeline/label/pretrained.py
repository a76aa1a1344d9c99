"""Ready models, which someone else trained: fetched once, checked before they are loaded, their labels named.

A model is a stage of its own: `model-<hash>/model.bin`. One that comes from the net stays what it was when it was
first fetched; what the classifiers' stage depends on is its content.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from classifiers.file_format import LABEL
from classifiers.settings import QualitySettings, TopicSettings
from mixes.errors import nearest
from mixes.show.secrets import masked
from pipeline.errors import PipelineError
from pipeline.label.names import topic_names
from pipeline.store.stage import Stage, StageStore
from pipeline.store.writing import write_aside

GOOD, RAW = "good", "raw"  # quality's labels
CHUNK = 1 << 20  # bytes read at a time


@dataclass(frozen=True)
class ReadyModel:
    """A model that was fetched and has survived its checks."""

    file: Path
    sha256: str
    names: dict[str, str]  # the model's label → ours


def ready_quality(stages: StageStore, base: Path, settings: QualitySettings) -> ReadyModel | None:
    """The `quality:` section's ready model, where it names one; its labels become good and raw.

    Raises:
        PipelineError: it cannot be read, is too large, or does not have the label `good`.
        ClassifierError: it is no model, or a damaged one.
    """
    if settings.model is None:
        return None
    file, sha256, labels = _fetch(stages, base, "quality.model", settings.model, settings.max_model_bytes)
    if settings.good is None:
        raise PipelineError(f"quality.good: is missing — say which of the model's labels means good: {_list(labels)}")
    good = _label("quality.good", settings.good, labels)
    if len(labels) < 2:
        raise PipelineError(f"quality.model: {settings.model} has one label, {good!r} — give one that tells two apart")
    return ReadyModel(file, sha256, {label: GOOD if label == good else RAW for label in labels})


def ready_topics(stages: StageStore, base: Path, settings: TopicSettings) -> ReadyModel | None:
    """The `topics:` section's ready model, where it names one; as `ready_quality`."""
    if settings.model is None:
        return None
    file, sha256, labels = _fetch(stages, base, "topics.model", settings.model, settings.max_model_bytes)
    names = {label: label for label in labels}
    names |= {_label("topics.labels", label, labels): name for label, name in settings.labels.items()}
    topics = topic_names(names.values())
    return ReadyModel(file, sha256, {label: topics[name] for label, name in names.items()})


def _fetch(stages: StageStore, base: Path, field: str, where: str, limit: int) -> tuple[Path, str, list[str]]:
    """(file, its SHA-256, its labels)"""
    remote = "://" in where
    local = base / where
    if not remote and not local.is_file():
        raise PipelineError(f"{field}: no file {where!r} (looked for {local.resolve()})")
    stage = Stage(
        "model", 1, {"from": masked(where)} if remote else {}, () if remote else (stages.hash_files([local]),)
    )

    def work(folder: Path) -> None:
        from classifiers.load_check import check_model

        aside = folder / ".model.bin"
        try:
            sha256 = _copy(field, where, base, limit, aside)
            parts = check_model(aside, f"{field} {where}")
            aside.rename(folder / "model.bin")
        finally:
            aside.unlink(missing_ok=True)
        write_aside(folder / "model.json", json.dumps({"sha256": sha256, "labels": parts.labels}).encode())

    folder = stages.run(stage, work)
    model = json.loads((folder / "model.json").read_bytes())
    return folder / "model.bin", model["sha256"], sorted(model["labels"])


def _copy(field: str, where: str, base: Path, limit: int, to: Path) -> str:
    """Copy what is read from `where`, at most `limit` bytes; returns its SHA-256."""
    import fsspec

    hashed, size = hashlib.sha256(), 0
    try:
        opened = fsspec.open(where, "rb") if "://" in where else (base / where).open("rb")
        with opened as source, to.open("wb") as target:
            while size <= limit and (chunk := source.read(CHUNK)):
                size += len(chunk)
                hashed.update(chunk)
                target.write(chunk)
    except Exception as error:  # each protocol of fsspec raises its own
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise PipelineError(f"{field}: cannot read {where} ({type(error).__name__}: {reason})") from None
    if size > limit:
        section = field.partition(".")[0]
        raise PipelineError(f"{field}: {where} is larger than {section}.max_model_bytes, {limit:,} — raise it")
    return hashed.hexdigest()


def _label(field: str, wanted: str, labels: list[str]) -> str:
    wanted = wanted.removeprefix(LABEL)
    if wanted in labels:
        return wanted
    near = nearest(wanted, labels)
    hint = f"did you mean {near!r}? It has" if near else "it has"
    raise PipelineError(f"{field}: the model has no label {wanted!r} — {hint} {_list(labels)}")


def _list(labels: list[str]) -> str:
    shown = ", ".join(labels[:30])
    return shown + (f" and {len(labels) - 30} more" if len(labels) > 30 else "")
