"""Whether earlier runs were scored as the new ones will be: by the same suite, proxy and tokenizer.

What can be known before the pool is made is compared first, since a pool may take days.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.earlier.find import EarlierSwarm, find_earlier
from flows.errors import ExperimentError
from flows.experiment import Experiment
from mixes.proxy.settings import ProxySettings
from mixes.swarm import Candidate
from pipeline.errors import PipelineError
from pipeline.sample.defaults import SUITE
from pipeline.stages.graph import finished_pool
from pipeline.store.stage import read_stage
from pipeline.store.tokenizer import given_tokenizer
from pipeline.train.setup import Evidence


def check_earlier(experiment: Experiment) -> None:
    """Check what can be known before the pool is made.

    Raises:
        ExperimentError: runs that `reuse.runs` names are not there, or were scored in another way.
    """
    for earlier in find_earlier(experiment):
        _check_proxy(experiment, earlier)
        for suite in sorted({run.suite for run in earlier.runs}):
            _check_suite(experiment, earlier, suite)
        _check_tokenizer(experiment, earlier)


def check_scored_alike(experiment: Experiment, earlier: EarlierSwarm, evidence: Evidence) -> None:
    """Check that every run would have the same id by today's settings and, over its own pool, the same suite.

    Raises:
        ExperimentError: one would not; it says which setting differs, where that is known.
    """
    for run in earlier.runs:
        if run.suite != evidence.suite.name:
            _check_suite(experiment, earlier, run.suite)
            _check_tokenizer(experiment, earlier)
            if not _alike_but_for_its_name(experiment, earlier, run.suite, evidence):
                raise _differs(earlier, "were scored on another suite", "give the suite and the tokenizer of the two")
        own = Evidence(Path(run.pool), Path(run.suite), evidence.proxy)
        if own.run_id(Candidate(run.mix, run.weights, run.seed)) != run.id:
            _check_proxy(experiment, earlier)
            reason = "by other settings (proxy, proxy.init_from or swarm.match_repetition) or another mixwright"
            raise _differs(earlier, f"were trained {reason}", "leave them out")


def _check_proxy(experiment: Experiment, earlier: EarlierSwarm) -> None:
    try:
        theirs = ProxySettings(**earlier.settings.get("proxy", {})).decisive()
    except (ValidationError, TypeError):
        return
    if not earlier.settings:
        return
    for name, value in experiment.proxy.decisive().items():
        if theirs[name] != value:
            raise _differs(
                earlier, f"have proxy.{name} {theirs[name]}, and the new ones would have {value}",
                f"set proxy.{name}: {theirs[name]}",
            )  # fmt: skip
    if (earlier.settings.get("swarm") or {}).get("match_repetition"):
        raise _differs(earlier, "read only a part of each domain (swarm.match_repetition)", "leave them out")


def _check_suite(experiment: Experiment, earlier: EarlierSwarm, suite: str) -> None:
    """The suite's file and the items that are drawn of it; a file of another name may be the same."""
    record = _record(earlier.folder, suite)
    if not record:
        return
    if record["settings"]["items"] != experiment.suite.items:
        items = record["settings"]["items"]
        raise _differs(
            earlier, f"were scored on {items} items of each task, and the new ones would be on "
            f"{experiment.suite.items}", f"set suite.items: {items}",
        )  # fmt: skip
    if not _is_same_file(experiment, earlier, record["inputs"][0]):
        theirs = (earlier.settings.get("suite") or {}).get("path") or "the default suite"
        raise _differs(earlier, f"were scored on another suite ({theirs})", "set suite.path to that file")


def _is_same_file(experiment: Experiment, earlier: EarlierSwarm, recorded: str) -> bool:
    """Whether the suite's file is that of a stage's record, under the name that it had there."""
    corpus = experiment.corpus
    (version,) = corpus.stages.finding.hash_each([corpus.suite_file])
    theirs = (earlier.settings.get("suite") or {}).get("path")
    names = {Path(theirs).name if theirs else SUITE.name, corpus.suite_file.name}
    return recorded in {hashlib.sha256(f"{name}:{version}\n".encode()).hexdigest() for name in names}


def _check_tokenizer(experiment: Experiment, earlier: EarlierSwarm) -> None:
    """Token by token: a tokenizer that is trained on other documents is another one."""
    file = earlier.folder / "stages" / earlier.pool / "tokenizer.json"
    if not file.is_file():
        return
    if path := experiment.tokenizer.path:
        own = given_tokenizer(experiment.corpus.file(path, "tokenizer.path"), experiment.tokenizer.end).to_str()
        if own.encode() != file.read_bytes():
            raise _differs(earlier, f"have another tokenizer than tokenizer.path {path}", _give(file))
        return
    try:
        own_file = finished_pool(experiment.corpus) / "tokenizer.json"
    except PipelineError:
        raise _differs(earlier, "have a tokenizer that was made for another pool", _give(file)) from None
    if own_file.read_bytes() != file.read_bytes():
        raise _differs(earlier, "have another tokenizer than today's pool", _give(file))


def _alike_but_for_its_name(experiment: Experiment, earlier: EarlierSwarm, suite: str, evidence: Evidence) -> bool:
    """Whether two encoded suites differ in nothing but the name of the file that they were made from."""
    theirs, ours = _record(earlier.folder, suite), _record(evidence.suite.parent, evidence.suite.name, inside=True)
    return (
        theirs is not None
        and ours is not None
        and theirs["settings"] == ours["settings"]
        and theirs["inputs"][1] == ours["inputs"][1]
        and _is_same_file(experiment, earlier, theirs["inputs"][0])
    )


def _record(folder: Path, stage: str, inside: bool = False) -> Mapping[str, Any] | None:
    """What is recorded of a stage of a work folder; None where it is gone. inside: `folder` holds the stages."""
    try:
        return read_stage((folder if inside else folder / "stages") / stage)
    except (OSError, ValueError, json.JSONDecodeError):
        return None


def _give(tokenizer: Path) -> str:
    return f"set tokenizer.path: {tokenizer}"


def _differs(earlier: EarlierSwarm, how: str, fix: str) -> ExperimentError:
    return ExperimentError(f"{earlier.what}: its runs {how}, so scores cannot be compared — {fix}")
