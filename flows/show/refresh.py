"""A refresh as tables."""

from mixes.recommendation.refreshed import Refreshed

Rows = list[list[str]]


def tables_of_refresh(done: Refreshed) -> list[tuple[str, Rows]]:
    """(title, head and rows): what moved, and how the mix changes; those that hold anything."""
    tables: list[tuple[str, Rows]] = []
    if done.moved:
        head = ["domain", "is", "tokens then", "tokens now", "came or went"]
        rows = [
            [one.domain, one.fate, f"{one.tokens_before:,}", f"{one.tokens_now:,}", f"{one.share:.1%}"]
            for one in done.moved
        ]
        tables.append(("What moved", [head, *rows]))
    if done.mix:
        head = ["domain", "standing", "found anew"] + (["for the rest"] if done.mix_for_the_rest else [])
        order = sorted(done.mix, key=lambda name: -done.mix[name])
        rows = [
            [name, f"{done.mix_before.get(name, 0):.1%}", f"{done.mix[name]:.1%}"]
            + ([f"{done.mix_for_the_rest[name]:.1%}"] if done.mix_for_the_rest else [])
            for name in order
        ]
        tables.append(("The mix", [head, *rows]))
    return tables
