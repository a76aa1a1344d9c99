"""Writes the candidate mixes for proxies that are trained elsewhere, whose scores come back as metrics.csv.

    ratios.csv      run, name, index and one column per domain: Olmix's form, and what `recommend-mix --ratios` reads
    tokens.csv      domain, tokens: what `recommend-mix --tokens` reads
    families.yaml   the experiment's suite, what `recommend-mix --families` reads
    mixes.json      the same mixes with seeds and tokens, and what the domains held; with swarm.match_repetition also
                    `kept`, the tokens of each domain that proxies are to read, over and over; and the token files'
                    `dtype`
    olmo-core/      one source mixture per run: `sources` of SourceMixtureList, over the pool's own token files
    megatron/       one blend per run for --data-args-path: weight and prefix, one line per domain

Megatron's files have an index of its own, so its prefixes are names: `DOMAIN_text_document`, as preprocess_data.py
calls what it writes for `--output-prefix DOMAIN`.
"""

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.outputs import check_writable
from mixes.proxy.tokens import id_type
from mixes.swarm import Candidate
from mixes.tables.keys import Table
from pipeline.pool.content_hash import domain_contents
from pipeline.pool.pool import TRAIN, Pool
from pipeline.store.writing import write_aside
from pipeline.suite import suite_families
from pipeline.train.setup import Evidence

MARK = "mixes.json"  # the file by which an export is recognised
FOLDERS = ("olmo-core", "megatron")
EXPORT_KEYS = ("run", "name", "index")  # columns that name a run


def ratios_of(evidence: Evidence, candidates: list[Candidate]) -> Table:
    """The candidates as a table of mixes, one row per run."""
    rows = [
        {"run": evidence.run_id(candidate), "name": _name(candidate), "index": str(number), **_sorted(candidate)}
        for number, candidate in enumerate(candidates)
    ]
    return Table("the experiment's mixes", pl.DataFrame(rows))


def claim_export(folder: Path) -> None:
    """Check that a folder is empty or an earlier export before anything is written into it.

    Raises:
        ExperimentError: it holds something else.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise ExperimentError(f"--export {folder}: is no folder — name one that is, or is not there yet")
    check_writable(
        next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir()), f"--export {folder}"
    )
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise ExperimentError(f"--export {folder}: is not empty and no export of mixwright — name another folder")


def export_swarm(experiment: Experiment, evidence: Evidence, candidates: list[Candidate], folder: Path) -> None:
    """Write the candidates into `folder`, in place of what an earlier export wrote there."""
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    pool = Pool(evidence.pool)
    available = pool.available({name: source.full_tokens for name, source in experiment.sources.items()})
    write_aside(folder / MARK, _json(experiment, evidence, candidates))
    write_aside(folder / "ratios.csv", ratios_of(evidence, candidates).frame.write_csv().encode())
    write_aside(
        folder / "tokens.csv",
        _csv([("domain", "tokens"), *((name, f"{count:.0f}") for name, count in available.items())]),
    )
    write_aside(folder / "families.yaml", _families(evidence))
    files = {name: [str(path.resolve()) for path in paths] for name, paths in pool.files(TRAIN).items()}
    for candidate in candidates:
        run = evidence.run_id(candidate)
        write_aside(folder / "olmo-core" / f"{run}.yaml", _olmo_core(candidate, files, experiment.swarm.max_epochs))
        write_aside(folder / "megatron" / f"{run}.txt", _megatron(candidate))


def _name(candidate: Candidate) -> str:
    """A unique name, although replicates share a mix."""
    return f"{candidate.mix}-{candidate.seed}"


def _sorted(candidate: Candidate) -> dict[str, float]:
    return dict(sorted(candidate.weights.items()))


def _json(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> bytes:
    runs = [
        {"run": evidence.run_id(c), "mix": c.mix, "seed": c.seed, "tokens": experiment.proxy.tokens,
         "weights": _sorted(c)}
        for c in candidates
    ]  # fmt: skip
    dtype = id_type(Pool(evidence.pool).vocabulary).name
    about: dict[str, Any] = {"experiment": experiment.id, "pool": evidence.pool.name, "dtype": dtype}
    about |= {"kept": evidence.readable} if evidence.kept else {}
    contents = domain_contents(experiment.corpus.stages, evidence.pool)
    return json.dumps({**about, "contents": contents, "runs": runs}, indent=1).encode()


def exported_contents(ratios: Path) -> dict[str, str]:
    """Domain → content of the pool that exported mixes were drawn over; empty where the mixes were not exported by
    mixwright.

    Raises:
        ExperimentError: the mixes.json beside them is damaged.
    """
    file = ratios.parent / MARK
    if not file.is_file():
        return {}
    try:
        contents = json.loads(file.read_bytes())["contents"]
        return {str(name): str(content) for name, content in contents.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ExperimentError(f"{file}: damaged, or of an older mixwright — export the swarm again") from None


def _csv(rows: list[tuple]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _families(evidence: Evidence) -> bytes:
    families: dict[str, dict] = {}
    for task, family in sorted(suite_families(evidence.suite).items()):
        families.setdefault(family, {"unit": "bpb", "metrics": []})["metrics"].append(task)
    return yaml.safe_dump(families, sort_keys=True).encode()


def _olmo_core(candidate: Candidate, files: dict[str, list[str]], epochs: float) -> bytes:
    sources = [
        {"source_name": name, "target_ratio": weight, "max_repetition_ratio": max(1.0, epochs), "paths": files[name]}
        for name, weight in _sorted(candidate).items()
        if weight
    ]
    return yaml.safe_dump({"sources": sources}, sort_keys=False).encode()


def _megatron(candidate: Candidate) -> bytes:
    lines = [f"{w} {name.replace('/', '--')}_text_document" for name, w in _sorted(candidate).items() if w]
    return ("\n".join(lines) + "\n").encode()
