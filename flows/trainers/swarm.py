"""Writes the candidate mixes for proxies that are trained elsewhere, whose scores come back as metrics.csv.

ratios.csv      run, name, index and one column per domain: Olmix's form, and what `recommend-mix --ratios` reads
tokens.csv      domain, tokens: what `recommend-mix --tokens` reads
families.yaml   the experiment's suite, what `recommend-mix --families` reads
mixes.json      the same mixes with seeds and tokens, and what the domains held; with swarm.match_repetition also
                `kept`, the tokens of each domain that proxies are to read, over and over; and the token files'
                `dtype`
olmo-core/      one source mixture per run: `sources` of SourceMixtureList, over the pool's own token files
megatron/       one blend per run for --data-args-path: weight and prefix, one line per token file; `data/` holds
                links to the pool's token files with their `.idx`, for all runs together
"""

import csv
import io
import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.outputs import check_writable
from flows.trainers.folder import LOGS
from flows.trainers.from_pool import mix_handover
from flows.trainers.megatron import blend_lines, is_one_word, link_files, train_blend, zipped
from flows.trainers.olmo_core import source_list
from flows.trainers.trainer import Place, yaml_text
from flows.trainers.write import run_over_pool
from mixes.proxy.tokens import id_type
from mixes.swarm import Candidate
from mixes.tables.keys import Table
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.content_hash import domain_contents
from pipeline.pool.pool import Pool
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
    plans = {
        run: mix_handover(run, pool, candidate.weights, experiment.proxy.tokens, experiment.swarm.max_epochs)
        for candidate in candidates
        if (run := evidence.run_id(candidate))
    }
    megatron = megatron_place(pool, folder / FOLDERS[1], experiment.executor)
    for run, plan in plans.items():
        write_aside(folder / FOLDERS[0] / f"{run}.yaml", yaml_text(source_list(plan)).encode())
        _write_blend(run, train_blend(plan, megatron), megatron)


def _write_blend(run: str, blend: list[tuple[float, str]], place: Place) -> None:
    """A run's blend as a text, or where a prefix has white space as JSON for --per-split-data-args-path."""
    if is_one_word(place):
        place.write(f"{run}.txt", blend_lines(blend))
    else:
        place.write(f"{run}.json", json.dumps({"train": zipped(blend), "valid": None, "test": None}))


def megatron_place(pool: Pool, folder: Path, executor: ExecutorSettings) -> Place:
    """A folder with links to all training files of the pool, and their `.idx`."""
    every = mix_handover("all", pool, pool.natural, 1.0, 1.0)
    assert every.tokenised
    folder.mkdir(parents=True)
    run = partial(run_over_pool, tokenised=every.tokenised, logs=folder / LOGS, executor=executor)
    place = Place(folder, folder.absolute(), run)
    link_files(every, place)
    shutil.rmtree(folder / LOGS)
    return place


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
