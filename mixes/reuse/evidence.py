"""Earlier runs as evidence over today's domains.

A run is a fact about the documents that its proxy read. As long as their domains hold the same documents, it stays
one when others join: they had weight 0. Kept beside a small new swarm, earlier runs spare more new ones than frozen
proportions do, and leave every weight free (docs/EXPERIMENTS.md). They must have been scored as the new ones are: the
same suite, proxy and tokenizer.
"""

from collections.abc import Mapping
from dataclasses import replace

from mixes.errors import MixError
from mixes.reuse.identity import Origin, compare_domains, refuse_stale
from mixes.runs import Runs


def carry_runs(
    runs: Runs,
    earlier: Mapping[str, str],
    now: Mapping[str, str],
    tokens: Mapping[str, float],
    what: str,
    allow_stale: bool = False,
) -> Runs:
    """Earlier runs under today's names: a split domain's weight goes to its parts by their `tokens`, domains that the
    runs do not know get 0.

    earlier, now: domain → content; tokens: of today's domains; what: the evidence's name, for messages. Where stale
    evidence is allowed, a changed domain counts as what it was, and runs that read a domain which is gone are left out.

    Raises:
        MixError: runs read domains of other content than today's and `allow_stale` is not set; or none is left.
    """
    mixes = {run.id: run.weights for run in runs.runs}
    carried = carry_mixes(mixes, earlier, now, tokens, what, allow_stale)
    return Runs([replace(run, weights=carried[run.id]) for run in runs.runs if run.id in carried])


def carry_mixes(
    mixes: Mapping[str, Mapping[str, float]],
    earlier: Mapping[str, str],
    now: Mapping[str, str],
    tokens: Mapping[str, float],
    what: str,
    allow_stale: bool = False,
) -> dict[str, dict[str, float]]:
    """Run → its mix under today's names, for `mixes` (run → mix) that earlier runs were trained on; see `carry_runs`.

    Raises:
        MixError: as `carry_runs`.
    """
    origins = compare_domains(earlier, now)
    read = {name for mix in mixes.values() for name, weight in mix.items() if weight}
    split = {name for origin in origins.values() if origin.fate == "split" for name in origin.earlier}
    refuse_stale({name: earlier[name] for name in read - split}, now, what, allow_stale)
    usable = {name for origin in origins.values() if origin.fate != "merged" for name in origin.earlier}
    carried = {
        run: _carried(mix, origins, tokens)
        for run, mix in mixes.items()
        if all(name in usable for name, weight in mix.items() if weight)
    }
    if not carried:
        raise MixError(f"{what}: every run reads a domain that is gone from the present pool — leave it out")
    return carried


def _carried(
    weights: Mapping[str, float], origins: Mapping[str, Origin], tokens: Mapping[str, float]
) -> dict[str, float]:
    whole: dict[str, float] = {}  # earlier domain → tokens of what it is today
    for name, origin in origins.items():
        for source in origin.earlier:
            whole[source] = whole.get(source, 0) + tokens[name]
    return {
        name: weights[origin.earlier[0]] * tokens[name] / whole[origin.earlier[0]]
        if origin.earlier and origin.fate != "merged"
        else 0.0
        for name, origin in origins.items()
    }
