"""The plan for a size, as a table and in words."""

from flows.plan.at_size import PlanAtSize, Way
from mixes.show.console import plain_console

UNITS = {"bpb": "bpb", "standard deviations": "sd"}


def print_plan(plan: PlanAtSize) -> None:
    """The ways to spend the budget, the best first."""
    from rich import box
    from rich.table import Table

    console, unit = plain_console(), UNITS[plan.unit]
    title = f"Ways to spend {plan.budget:.3g} FLOPs on an answer at {plan.at}"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("proxies")
    for name in ("FLOPs", f"regret, {unit}", f"interval, {unit}"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for number, way in enumerate(plan.ways):
        word = "least regret" if number == 0 else "as good" if way.as_good else "worse"
        table.add_row(_steps(way), f"{way.flops:.2g}", f"{way.regret:.4f}", f"± {way.half_width:.3f}", word)
    console.print(table)
    console.print("\n".join(_words(plan)), soft_wrap=True)


def _steps(way: Way) -> str:
    """`120 × 200k:4M, then 7 × 1M:20M near the best`."""
    parts = [f"{runs:,} × {size}{' near the best' if chosen else ''}" for size, runs, chosen in way.runs]
    return ", then ".join(parts) if any(chosen for *_, chosen in way.runs) else " and ".join(parts)


def _words(plan: PlanAtSize) -> list[str]:
    by = f"by the {plan.runs_at_hand} runs at hand" if plan.runs_at_hand else "by what laws are like in general"
    lines = [
        "Near the best: around the mix that is best by all other runs, so these come last; all others lie over all "
        "mixes, as a swarm's do.",
        f"Regret: what the best mix at {plan.at} is expected to gain over the one that would be recommended, in "
        f"imagined worlds, {by}. Interval ({plan.coverage:.0%}): of what the recommended mix gains over natural there.",
        "The imagined worlds cannot tell a way that is called as good from the first.",
        "In these worlds the laws' form is true. Where it is not, every way misses more, and the order may be another.",
    ]
    if plan.unit != "bpb":
        lines.append("sd: standard deviations of the target over the swarm's mixes.")
    return [*lines, *(f"Assumed: {line}" for line in plan.assumptions)]
