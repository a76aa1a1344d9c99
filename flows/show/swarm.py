"""Prints what was read of a swarm's files."""

from flows.show.progress import note
from mixes.tables.join import ScoredSwarm


def note_swarm(swarm: ScoredSwarm) -> None:
    """Print the swarm's size, and what was ignored and repaired, to standard error."""
    note("read", f"{len(swarm.runs):,} runs, {len(swarm.runs.domains):,} domains, {len(swarm.runs.tasks):,} metrics")
    for line in swarm.notes:
        note("read", line)
