"""Writes an export: the trainer's files, a README and `mixwright.json`, in a folder that is whole or not there."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.errors import ExperimentError
from flows.trainers.folder import LOGS, RECORD, check_folder, whole_folder
from flows.trainers.handover import HandOver
from flows.trainers.readme import as_json, readme, record
from flows.trainers.tokenizer_folder import write_tokenizer
from flows.trainers.trainer import Place, Trainer, Written
from pipeline.executor.settings import ExecutorSettings

README = "README.md"


def write_export(
    plan: HandOver,
    trainer: Trainer,
    folder: Path,
    executor: ExecutorSettings,
    sequence: int = Place.sequence,
    option: str = "--out",
) -> tuple[Written, dict[str, Any]]:
    """Write an export in place of an earlier one; returns what was written, and the content of `mixwright.json`.

    sequence: tokens of a sample, where samples are written; option: what names the folder on the command line.

    Raises:
        ExperimentError: the folder holds something else, or the format cannot hold this corpus.
    """
    check_folder(folder, option)
    check_fits(plan, trainer)
    final = folder.absolute()
    with whole_folder(folder, _digest(plan, trainer, sequence, final)) as aside:

        def run(step: Any) -> None:
            assert plan.tokenised
            run_over_pool(step, plan.tokenised, aside / LOGS, executor)

        if plan.vocabulary:
            write_tokenizer(plan.vocabulary, aside)
        written = trainer.write(plan, Place(aside, final, run, sequence))
        (aside / README).write_text(readme(plan, trainer, written), encoding="utf-8")
        entries = [path.name for path in aside.iterdir() if not path.name.startswith(".")]
        about = record(plan, trainer, written, entries)
        (aside / RECORD).write_text(as_json(about), encoding="utf-8")
    return written, about


def check_fits(plan: HandOver, trainer: Trainer) -> None:
    """See that the format can hold this corpus.

    Raises:
        ExperimentError: it wants texts that the pool does not have, or its integers are too small.
    """
    if trainer.most_ids and plan.vocabulary and plan.vocabulary.size > trainer.most_ids:
        raise ExperimentError(
            f"--format {trainer.name}: holds token numbers below {trainer.most_ids:,}, and the tokenizer's vocabulary "
            f"is {plan.vocabulary.size:,} — take another format, for example olmo-core"
        )
    if trainer.texts and plan.tokenised:
        from pipeline.parts.texts import domains_without_text

        if missing := {part.domain for part in plan.parts} & domains_without_text(plan.tokenised):
            raise ExperimentError(
                f"--format {trainer.name}: wants documents as text, and domain {min(missing)!r} came as tokens — take "
                "a format that reads tokens: olmo-core, megatron, nemo, nanotron or mosaicml"
            )


def run_over_pool(step: Any, tokenised: Path, logs: Path, executor: ExecutorSettings) -> None:
    """Run a step over the pool's ranks; ranks that the logs mark as finished are not run again."""
    from flows.show.progress import stage_progress
    from pipeline.executor.run import run_steps
    from pipeline.parts.placed import pool_ranks

    with stage_progress("export") as progress:
        run_steps("export", [step], pool_ranks(tokenised), logs / step.name, executor, progress)


def _digest(plan: HandOver, trainer: Trainer, sequence: int, final: Path) -> str:
    """Everything that decides what is written."""
    content = {key: value for key, value in asdict(plan).items() if key != "vocabulary"}
    digest = plan.vocabulary.digest if plan.vocabulary else None
    return json.dumps([trainer.name, sequence, str(final), digest, content], default=str)
