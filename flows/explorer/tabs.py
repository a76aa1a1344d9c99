"""What stands on the tabs Compare and Save, in marimo's elements; the notebook's cells hold those that are moved."""

from collections.abc import Sequence
from typing import Any

from flows.errors import INPUT_ERRORS
from flows.explorer import compare, keep, parts, save, typed
from flows.explorer.answers import Shown
from flows.explorer.explored import Explored
from flows.explorer.session import Session
from flows.explorer.side_by_side import side_by_side
from flows.report.words import percent
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation

UNFOLDED = 12  # sliders of one's own mix that are shown; more are folded
HOW = "One domain and its share per line; the shares are scaled to sum to 100 %"
DRAG = "Or move a domain: the others keep their proportions"


def own_mix(text: Any, sliders: Any, own: str) -> Any:
    """One's own mix, typed and dragged. text, sliders: marimo's elements, the latter by domain; own: as it is typed."""
    import marimo as mo

    shares = typed.shares_of(own, list(sliders.elements))
    rows = [
        mo.vstack([mo.Html(parts.label(name, percent(shares[name] / 100))), slider], gap=0)
        for name, slider in sliders.elements.items()
    ]
    dragged = [mo.Html(parts.label(DRAG)), *rows[:UNFOLDED]]
    if rest := rows[UNFOLDED:]:
        dragged.append(mo.accordion({f"{len(rest)} more domains": mo.vstack(rest, gap=0.35)}))
    typing = mo.vstack([mo.Html(parts.label(HOW)), text], gap=0)
    return mo.Html(f'<div class="mx-own">{typing}{mo.vstack(dragged, gap=0.35)}</div>')


def compared(opened: Explored, question: Question, optimum: Shown, names: Sequence[str], own: str) -> str:
    """HTML of two mixes (by name) side by side, or of why they cannot be; own: one's own mix as it is typed."""
    findings = opened.findings
    try:
        given = typed.typed_mix(own, findings.domains)
        problem = opened.problem(question)
        left, right = ((name, compare.mix_named(name, problem, optimum.mix, given)) for name in names)
    except INPUT_ERRORS as mistake:
        return parts.error(str(mistake))
    return side_by_side(compare.compare(findings, problem, left, right), findings, findings.domains)


def saved(page: Session, opened: Explored, question: Question, trainer: Any, write: Any, record: Any) -> list[Any]:
    """What the tab Save offers.

    Marimo's elements: `trainer` chooses a format, which the button `write` writes; `record` saves a recommendation.
    """
    import marimo as mo

    answer = page.recommendation(question)
    return [
        mo.Html(parts.group("The mix", "mx-side")),
        _download("mix.yaml", save.mix_yaml(answer)),
        *(_experiment(opened, question, record) if opened.file else []),
        mo.Html(parts.group("The question, as a section of the experiment file")),
        mo.Html(parts.code(save.recommend_yaml(question.settings))),
        mo.Html(parts.group("A trainer's configuration")),
        *_trainer(opened, question, answer, trainer, write),
    ]


def _experiment(opened: Explored, question: Question, record: Any) -> list[Any]:
    import marimo as mo

    assert opened.file
    assert opened.experiment
    changed = keep.experiment_yaml(opened.file, opened.experiment.work, question.settings)
    return [
        mo.Html(parts.group("The experiment")),
        record,
        mo.Html(keep.kept(opened, question) if record.value else parts.note(keep.AMONG_RECORDS)),
        _download(f"{opened.file.stem}-changed.yaml", changed),
        mo.Html(parts.note(keep.BESIDE)),
    ]


def _trainer(opened: Explored, question: Question, answer: Recommendation, trainer: Any, write: Any) -> list[Any]:
    import marimo as mo

    if not trainer.options:
        return [mo.Html(parts.paragraph(save.WITHOUT))]
    done = save.written(trainer.value, opened, question, answer) if write.value else ""
    return [mo.hstack([trainer, write], justify="start"), mo.Html(done)]


def _download(name: str, content: str) -> Any:
    import marimo as mo

    return mo.download(content.encode(), filename=name, mimetype="text/yaml", label=name)
