"""A recommendation for people: the table in the terminal, and the same as markdown."""

from rich import box
from rich.console import Console
from rich.table import Table

from mixes.recommend import OVERALL, Predicted, Recommendation

CLEAR = 3  # spread over mixes ÷ noise at which a task says something about mixes
WORDS = {"better": "better", "not_distinguishable": "not distinguishable", "worse": "worse"}


def print_recommendation(found: Recommendation, console: Console) -> None:
    """The mix, the predicted scores, the verdict."""
    mix = Table(title="Recommended mix", box=box.SIMPLE_HEAD, title_justify="left")
    mix.add_column("domain")
    for name in ("natural", "recommended", "90 % interval", "ratio", "epochs"):
        mix.add_column(name, justify="right")
    for row in _mix_rows(found):
        mix.add_row(*row)
    console.print(mix)
    scores = Table(title="Predicted bits per byte (lower is better)", box=box.SIMPLE_HEAD, title_justify="left")
    scores.add_column("family")
    for name in ("natural", "uniform", "recommended", "gain", "90 % interval", "noise", "law error"):
        scores.add_column(name, justify="right")
    scores.add_column("verdict")
    for row in _score_rows(found):
        scores.add_row(*row)
    console.print(scores)
    console.print("\n".join(_words(found)), soft_wrap=True, highlight=False)


def recommendation_markdown(found: Recommendation) -> str:
    """The same as markdown tables."""
    mix = [["domain", "natural", "recommended", "90 % interval", "ratio", "epochs"], *_mix_rows(found)]
    scores = [
        ["family", "natural", "uniform", "recommended", "gain", "90 % interval", "noise", "law error", "verdict"],
        *_score_rows(found),
    ]
    return "\n\n".join([f"# {found.id}", _markdown(mix), _markdown(scores), *_words(found)])


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _mix_rows(found: Recommendation) -> list[list[str]]:
    rows = []
    for domain, weight in sorted(found.mix.items(), key=lambda pair: -pair[1]):
        low, high = found.intervals[domain]
        capped = " (cap)" if domain in found.caps else ""
        rows.append(
            [
                domain, f"{found.natural[domain]:.1%}", f"{weight:.1%}", f"{low:.1%} – {high:.1%}",
                f"{weight / found.natural[domain]:.2f}×", f"{found.epochs[domain]:.2f}{capped}",
            ]
        )  # fmt: skip
    return rows


def _score_rows(found: Recommendation) -> list[list[str]]:
    rows = []
    for name, said in found.verdict.items():
        p: Predicted = found.predicted[name]
        rows.append(
            [
                name, f"{p.natural:.3f}", f"{p.uniform:.3f}", f"{p.mix:.3f}", f"{p.gain:+.3f}",
                f"{p.gain_low:+.3f} – {p.gain_high:+.3f}", f"{p.noise:.3f}", f"{p.error:.3f}", WORDS[said],
            ]
        )  # fmt: skip
    return rows


def _words(found: Recommendation) -> list[str]:
    """The verdict, the law's held-out quality and the caps, in words."""
    p = found.predicted[OVERALL]
    lines = []
    if found.verdict[OVERALL] == "not_distinguishable":
        lines.append(
            f"Not distinguishable from natural: the predicted gain of {p.gain:+.3f} bpb "
            f"(90 % interval {p.gain_low:+.3f} to {p.gain_high:+.3f}) is within the noise of a difference "
            f"between two mixes ({p.noise:.3f})."
        )
    else:
        lines.append(
            f"Predicted {found.verdict[OVERALL]} than natural by {abs(p.gain):.3f} bpb "
            f"(90 % interval {p.gain_low:+.3f} to {p.gain_high:+.3f}; noise of a difference {p.noise:.3f})."
        )
    names = [law["name"] for law in found.law.values()]
    used = ", ".join(f"{name} on {names.count(name)}" for name in sorted(set(names)))
    clear = [law for law in found.law.values() if law["spread"] >= CLEAR * law["noise"]]
    lines.append(f"Laws, chosen by cross-validation: {used} tasks.")
    if clear:
        error, rank = (sum(law[field] for law in clear) / len(clear) for field in ("error", "rank_correlation"))
        lines.append(
            f"Held-out error {error:.3f} bpb, held-out rank correlation {rank:.2f}: means over the {len(clear)} of "
            f"{len(names)} tasks whose spread over mixes is at least {CLEAR} times their noise."
        )
    lines.append(f"Budget {found.budget:,.0f} tokens, at most {found.max_epochs:g} epochs a domain. Id {found.id}.")
    return lines
