"""The `reuse:` section in the flows: the earlier recommendation, the plan over today's pool, the unfolded result."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from flows.errors import ExperimentError
from flows.experiment import Experiment
from mixes.certainty.intervals import ON_BOUND
from mixes.optimum.holdings import Holdings
from mixes.optimum.settings import LimitSettings
from mixes.quality_parts import spread
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.reuse.caps import largest_weights
from mixes.reuse.plan import VIRTUAL, ReusePlan, fold, fold_amounts, fold_caps, fold_runs, plan_reuse, unfold
from pipeline.pool.content_hash import domain_contents
from pipeline.store.stage import StageStore

CONTENT = "content/"  # begins the names of domains' contents in a recommendation's evidence


def content_evidence(contents: dict[str, str]) -> dict[str, str]:
    """Domains' contents as evidence of a recommendation."""
    return {CONTENT + name: content for name, content in sorted(contents.items())}


def check_reuse(experiment: Experiment) -> None:
    """Check that the earlier recommendation can be read, before anything that takes long.

    Raises:
        ExperimentError: it is missing, or does not say what its domains held.
    """
    if experiment.reuse and experiment.reuse.recommendation:
        _read_earlier(experiment, experiment.reuse.recommendation)


def reuse_plan(experiment: Experiment, stages: StageStore, pool_folder: Path) -> ReusePlan | None:
    """The plan that reuses an earlier recommendation; None where the experiment names none.

    Raises:
        ExperimentError: see `check_reuse`.
        MixError: see `plan_reuse`.
    """
    if not experiment.reuse or not experiment.reuse.recommendation:
        return None
    earlier = _read_earlier(experiment, experiment.reuse.recommendation)
    contents = {
        name.removeprefix(CONTENT): content for name, content in earlier["evidence"].items() if name.startswith(CONTENT)
    }
    now = domain_contents(stages, pool_folder)
    return plan_reuse(earlier["mix"], contents, now, experiment.reuse.partial)


def fold_question(question: Question, plan: ReusePlan) -> Question:
    """The same question over folded domains."""
    available, natural = question.holdings.available or {}, question.holdings.natural or {}
    caps = fold_caps(largest_weights(question.holdings, question.settings), plan)
    holdings = Holdings(fold_amounts(natural, plan), fold_amounts(available, plan), caps)
    compare = {name: fold(mix, plan, f"mix {name!r}") for name, mix in question.compared.items()}
    limits = _fold_limits(question, plan, caps)
    settings = question.settings.model_copy(update={"compare": compare, "limits": limits})
    return replace(question, runs=fold_runs(question.runs, plan), holdings=holdings, settings=settings)


def _fold_limits(question: Question, plan: ReusePlan, caps: Mapping[str, float]) -> LimitSettings:
    """The limits over folded domains. caps: of these, which hold what the epochs of single domains allow."""
    limits, holdings = question.settings.limits, question.holdings
    changed: dict[str, dict[str, float]] = {}
    if limits.epochs:
        available, budget = fold_amounts(holdings.available or {}, plan), question.budget or 0.0
        changed["epochs"] = {name: caps[name] * budget / available[name] for name in plan.domains if available[name]}
    if limits.near:
        natural = holdings.natural or {}
        near = spread(limits.near, sorted(natural), natural)
        if not set(near) - set(natural):  # else the message about the name that is unknown is the problem's own
            changed["near"] = fold_amounts(dict.fromkeys(natural, 0.0) | near, plan)
    return limits.model_copy(update=changed)


def answer_folded(
    question: Question, plan: ReusePlan | None, recommend: Callable[[Question], Recommendation]
) -> Recommendation:
    """The answer of `recommend`; over folded domains where an earlier recommendation is reused, and unfolded again."""
    if plan is None:
        return recommend(question)
    return unfold_recommendation(recommend(fold_question(question, plan)), plan, question)


def unfold_recommendation(folded: Recommendation, plan: ReusePlan, question: Question) -> Recommendation:
    """A recommendation over folded domains, in full: a frozen domain has its share of the virtual one's weight and
    interval. `natural` stays the mix that gains are measured from: the frozen domains at their joint natural share.

    question: the one over full domains."""
    available = question.holdings.available or {}
    caps = largest_weights(question.holdings, question.settings)
    mix = unfold(folded.mix, plan)
    low, high = (unfold({name: ends[i] for name, ends in folded.intervals.items()}, plan) for i in (0, 1))
    return replace(
        folded,
        mix=mix,
        natural=unfold(folded.natural, plan),
        intervals={name: (low[name], high[name]) for name in mix},
        epochs={name: weight * (folded.budget or 0.0) / available[name] for name, weight in mix.items()},
        marginal={
            name: folded.marginal[name if name in plan.open else VIRTUAL] for name in mix
        },  # of a frozen domain: with all that is frozen with it
        beside=tuple(replace(row, mix=unfold(row.mix, plan)) for row in folded.beside),
        caps={name: caps[name] for name, weight in mix.items() if caps[name] < 1 and weight > caps[name] - ON_BOUND},
    )


def describe_plan(plan: ReusePlan) -> list[str]:
    """What is reused and what is mixed anew, one line per item."""
    lines = [f"reused together as {VIRTUAL}: {', '.join(plan.frozen)}"]
    for name in plan.open:
        origin = plan.origins[name]
        earlier = f" from {', '.join(origin.earlier)}" if origin.fate in ("split", "merged") else ""
        lines.append(f"mixed anew: {name} ({origin.fate}{earlier})")
    return lines + [f"gone: {name}" for name in plan.removed]


def _read_earlier(experiment: Experiment, wanted: str) -> dict:
    """The JSON of an earlier recommendation, by path or by id."""
    made = {path.parent: path for path in experiment.corpus.stages.root.glob("recommend-*/recommendation.json")}
    for path in ((experiment.base / wanted), *sorted(made.values())):
        if not path.is_file():
            continue
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            raise ExperimentError(
                f"reuse.recommendation: {path} is not JSON — write it by `recommend-mix --json`"
            ) from None
        if path not in made.values() or content.get("id") == wanted:
            return _checked(content, path)
    raise ExperimentError(
        f"reuse.recommendation: {wanted!r} is neither a file nor a recommendation in {experiment.folder} — "
        '`mixwright sql EXP.yaml "select recommendation, target_text from recommendations"` lists those — or give the '
        "JSON that `recommend-mix --json` printed"
    )


def _checked(content: dict, path: Path) -> dict:
    evidence = content.get("evidence") if isinstance(content, dict) else None
    if not isinstance(evidence, dict) or not any(name.startswith(CONTENT) for name in evidence) or "mix" not in content:
        raise ExperimentError(
            f"reuse.recommendation: {path} does not say what its domains held — make it anew by `recommend-mix --json`"
        )
    return content
