"""Whether a mix found anew is worth leaving the standing one for."""

from collections.abc import Mapping
from dataclasses import replace

from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.worlds import Worlds
from mixes.recommendation.question import Question
from mixes.recommendation.refreshed import Advantage, Refreshed
from mixes.recommendation.result import Recommendation
from mixes.recommendation.standing import gains_over
from mixes.target import OVERALL


def judged(
    question: Question,
    standing: Mapping[str, float],
    fitted: FittedSwarm,
    worlds: Worlds,
    recommendation: Recommendation,
    kept: Refreshed,
    far: str,
) -> Refreshed:
    """What is known already, with the verdict, by how much and how sure.

    Args:
        question, standing: what was asked anew, and the standing mix over its domains.
        fitted, worlds: laws of the question's runs, and imagined worlds of them.
        recommendation: the answer.
        kept: what is known already; it stands for a verdict of `keep`.
        far: the domains that moved, in words.
    """
    over = gains_over(question, standing, fitted, worlds)[OVERALL]
    advantage = Advantage(over.gain.value, over.gain.low, over.gain.high, over.gain.chance, over.noise)
    changed = over.verdict == "better"
    return replace(
        kept,
        verdict="change" if changed else "keep",
        standing=recommendation.id if changed else kept.before,
        reason=_reason(far, advantage, changed, recommendation.standardised),
        advantage=advantage,
        recommendation=recommendation.id,
    )


def _reason(far: str, gain: Advantage, changed: bool, standardised: str | None) -> str:
    """In two sentences."""
    unit = f"× {standardised}" if standardised else "bpb"
    sure = f"{gain.value:+.3f} {unit} on the target ({gain.low:+.3f} to {gain.high:+.3f})"
    if changed:
        return f"Moved: {far}. The new mix is predicted to be better than the standing one by {sure}."
    return (
        f"Moved: {far}. The new mix is not measurably better than the standing one: {sure}, and two proxies of equally "
        f"good mixes differ by {gain.noise:.3f}."
    )
