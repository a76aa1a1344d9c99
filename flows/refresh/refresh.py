"""The flow `refresh`: looks at the sources, and says whether the standing recommendation should be kept or changed.

Only new and changed shards are filtered. Where no domain moved past the threshold, nothing is trained. Otherwise
domains of unchanged content keep their proportions, and a small swarm finds the weights of the others (conditional
mixing). The new mix has to beat the standing one by more than chance, or the standing one is kept.
"""

import time
from dataclasses import replace

from flows.artifacts import publish_refresh
from flows.catalog.newer import check_workspace
from flows.catalog.record import record_refresh
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.orchestration import flow
from flows.prepare import prepare_flow
from flows.refresh.find_anew import found_anew
from flows.refresh.moved import moved_domains
from flows.refresh.standing import Standing, find_standing
from flows.refresh.told import tell_of_change
from flows.show.progress import note
from mixes.recommendation.refreshed import Moved, Refreshed
from pipeline.pool.content_hash import domain_contents
from pipeline.pool.pool import Pool
from pipeline.stages.graph import finished_pool
from pipeline.store.stage import Unfinished

NAMED = 3  # domains that a sentence names


@flow("refresh-recommendation")
def refresh_flow(experiment: Experiment, wanted: str | None = None) -> Refreshed:
    """Keep or change, with how much and how sure; recorded, shown, and told by an event where it is `change`.

    wanted: id of the recommendation that stands; None: what the last refresh left standing, or the latest since.

    Raises:
        ExperimentError: there is no recommendation yet, or the experiment chooses itself what is reused.
    """
    started = time.monotonic()
    check_workspace(experiment.folder)
    if experiment.reuse:
        raise ExperimentError("refresh: decides by itself what is reused — leave the reuse section out of the file")
    standing = find_standing(experiment, wanted)
    done = replace(_refreshed(experiment, standing), seconds=time.monotonic() - started)
    record_refresh(experiment, done)
    publish_refresh(done)
    if done.verdict == "change":
        tell_of_change(experiment, done)
    return done


def _refreshed(experiment: Experiment, standing: Standing) -> Refreshed:
    kept = Refreshed(
        "unchanged", standing.recommendation.id, standing.recommendation.id, "", standing.pool, standing.pool
    )
    if _present_pool(experiment) == standing.pool:
        return replace(kept, reason="No source has changed.")
    pool = Pool(prepare_flow(experiment))
    if pool.folder.name == standing.pool:
        return replace(kept, reason="No source has changed.")
    now = domain_contents(experiment.corpus.stages, pool.folder)
    moved = tuple(moved_domains(standing.contents, now, standing.earlier_pool, pool))
    kept = replace(kept, pool=pool.folder.name, moved=moved)
    far = [one for one in moved if one.share > experiment.refresh.moved]
    note("refresh", f"moved: {_named(list(moved))}" if moved else "no domain moved")
    if not far:
        limit = f"{experiment.refresh.moved:.0%}"
        return replace(kept, verdict="keep", reason=f"No domain moved by more than {limit}: {_named(list(moved))}.")
    return found_anew(experiment, standing, pool, now, kept, _named(far))


def _present_pool(experiment: Experiment) -> str | None:
    """The finished pool of the sources as they are; None where it would have to be made."""
    try:
        return finished_pool(experiment.corpus).name
    except Unfinished:
        return None


def _named(moved: list[Moved]) -> str:
    """`code (changed, 23 %), books (added) and 2 more`."""
    shown = [
        f"{one.domain} ({one.fate}{f', {one.share:.1%} of its tokens' if one.fate == 'changed' else ''})"
        for one in moved[:NAMED]
    ]
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    return ", ".join(shown) + more if shown else "none did"
