"""What the explorer keeps of an experiment's question: a recommendation among its records, or an experiment file."""

import re
from pathlib import Path
from typing import Any

import yaml

from flows.errors import INPUT_ERRORS, ExperimentError
from flows.explorer.explored import Explored
from flows.explorer.parts import error, paragraph
from flows.trainers.trainer import yaml_text
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings

AMONG_RECORDS = "As `recommend-mix` does: among the experiment's records and in its catalog."
BESIDE = "The experiment file with this question as its `recommend:` section. Put it beside the old one."
SECTION = re.compile(r"recommend\s*:")


def keep(explored: Explored, question: Question) -> Recommendation:
    """Answer the question as `recommend-mix` does, into the experiment's records and catalog.

    Raises:
        ExperimentError: a swarm from files, or one that is not finished as the experiment now describes it.
    """
    from flows.plan.known import look
    from flows.recommend import recommend_flow

    experiment = explored.experiment
    if experiment is None or explored.file is None:
        raise ExperimentError("save: a swarm from files has no records — open its experiment")
    known = look(experiment)
    if known.evidence is None or len(known.trained) < len(known.candidates):
        raise ExperimentError(
            f"experiment {experiment.name}: its swarm is not finished as its settings describe it now — run "
            "`mixwright run`"
        )
    asked = experiment.model_copy(update={"recommend": question.settings})
    return recommend_flow(asked, known.evidence, list(known.candidates))


def kept(explored: Explored, question: Question) -> str:
    """The same; returns HTML that says under which id, or why not."""
    try:
        recommendation = keep(explored, question)
    except (*INPUT_ERRORS, OSError) as mistake:
        return error(str(mistake))
    return paragraph(
        f"Saved as {recommendation.id}. The SQL tab shows it with `from recommendations`; `mixwright report` and "
        "`mixwright export` take it by this id."
    )


def experiment_yaml(file: Path, work: str, settings: RecommendSettings) -> str:
    """The experiment file with `settings` as its `recommend:` section, and everything else as it is.

    work: the experiment's work folder. It is written where the file names none, since its default is by the file's
    name: under another name the same work would begin anew.

    Raises:
        ExperimentError: the file can no longer be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        content = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        raise ExperimentError(f"{file}: can no longer be read — put it back") from None
    section = settings.model_dump(mode="json", exclude_defaults=True)
    wanted = {**content, "work": content.get("work", work), "recommend": section}
    lines = _without_section(text.splitlines())
    if "work" not in content:
        lines.append(yaml_text({"work": work}).rstrip())
    changed = "\n".join([*lines, yaml_text({"recommend": section})])
    return changed if _content(changed) == wanted else yaml_text(wanted)


def _without_section(lines: list[str]) -> list[str]:
    """The lines of a file without its `recommend:` section; comments before the next section stay."""
    start = next((number for number, line in enumerate(lines) if SECTION.match(line)), None)
    if start is None:
        return lines
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith((" ", "#"))):
        end += 1
    while lines[end - 1].startswith("#") or (end > start + 1 and not lines[end - 1].strip()):
        end -= 1
    return [*lines[:start], *lines[end:]]


def _content(text: str) -> Any:
    """What a text holds; None where it is no YAML, as where another section refers to what was taken out."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
