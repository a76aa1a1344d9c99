"""What is printed when a flow has ended: what it made, and the next command."""

from collections.abc import Sequence
from pathlib import Path

from mixes.show.console import plain_console
from mixes.show.recommendation import text_table
from mixes.swarm import Candidate
from pipeline.pool.pool import Pool


def print_pool(folder: Path, experiment: Path) -> None:
    """The domains of a pool, the largest first."""
    pool = Pool(folder)
    rows = [["domain", "documents", "tokens", "share"]]
    for domain in sorted(pool.domains.values(), key=lambda domain: -domain.tokens):
        share = f"{pool.natural[domain.name]:.1%}"
        rows.append([domain.name, f"{domain.documents:,}", f"{domain.tokens:,}", share])
    console = plain_console()
    console.print(text_table("Pool", rows))
    console.print(
        f'What was dropped: mixwright sql {experiment} "from funnel_by_stage". Next: mixwright swarm {experiment}',
        soft_wrap=True,
    )


def print_swarm(candidates: Sequence[Candidate], experiment: Path) -> None:
    """How many proxies of how many mixes have their scores."""
    mixes = len({candidate.mix for candidate in candidates})
    earlier = sum(candidate.run is not None for candidate in candidates)
    kept = f", {earlier} of them in an earlier swarm" if earlier else ""
    plain_console().print(
        f"{len(candidates)} proxies of {mixes} mixes are trained and scored{kept}. Next: recommend-mix {experiment}",
        soft_wrap=True,
    )
