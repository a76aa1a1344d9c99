"""The suite scored on the checkpoint that a swarm starts from, with no step taken: what its proxies can forget.

The scores are a record like a run's, immutable and named by a hash of all that decides them, so they are made once for
any number of swarms and go with a killed one's records. The step runs where proxies train, on their device, since
scores differ in their last digits between devices.
"""

import json
from pathlib import Path

import polars as pl

from mixes.hashes import short_hash
from mixes.proxy.settings import ProxySettings
from pipeline.executor.progress import Progress
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool
from pipeline.stages.corpus import Corpus
from pipeline.store.files import rank_name
from pipeline.store.seal import is_whole_table
from pipeline.store.tokenizer import vocabulary_hash
from pipeline.train.records import read_record
from pipeline.train.setup import VERSION, Evidence

TABLE = "checkpoint_scores"
SHAPE = ("size", "context", "tied", "device", "deterministic")  # what decides the score of weights that are given


def start_of(proxy: ProxySettings, corpus: Corpus) -> ProxySettings:
    """The settings with `init_from` as a path that every worker finds; looked at before anything takes long.

    Raises:
        PipelineError: there is no such file.
        MixError: it is no saved proxy, or one of another shape.
    """
    if not proxy.init_from:
        return proxy
    from mixes.proxy.checkpoint import load_proxy

    path = corpus.file(proxy.init_from, "proxy.init_from")
    load_proxy(path, proxy)
    return proxy.model_copy(update={"init_from": str(path)})


def checkpoint_id(evidence: Evidence) -> str | None:
    """`checkpoint-` and twelve hexadecimal digits; None where proxies start from their seeds."""
    if not evidence.start:
        return None
    shape = evidence.proxy.model_dump(mode="json", include=set(SHAPE))
    content = [VERSION, evidence.pool.name, evidence.suite.name, evidence.start, sorted(shape.items())]
    return "checkpoint-" + short_hash(json.dumps(content))


def score_checkpoint(
    evidence: Evidence, records: Path, logs: Path, executor: ExecutorSettings, progress: Progress
) -> None:
    """Record the scores of the checkpoint that all proxies start from, unless they are recorded; nothing without one.

    Raises:
        MixError: it is no saved proxy, or one of another shape or vocabulary: said here, before a rank begins.
    """
    checkpoint = checkpoint_id(evidence)
    if not checkpoint or is_whole_table(_file(records, checkpoint)):
        return
    from mixes.proxy.checkpoint import load_proxy
    from pipeline.executor.run import run_steps
    from pipeline.train.score_checkpoint import ScoreCheckpoint

    pool = Pool(evidence.pool)
    path = Path(str(evidence.proxy.init_from))
    load_proxy(path, evidence.proxy, pool.vocabulary, vocabulary_hash(pool.tokenizer))
    folder = logs / checkpoint
    (folder / "completions" / rank_name(0)).unlink(missing_ok=True)  # whatever the mark says: the record is not there
    step = ScoreCheckpoint(evidence, _file(records.absolute(), checkpoint), folder.absolute())
    run_steps("score", [step], 1, folder, executor, progress, gpus=int(evidence.proxy.device == "cuda"))


def read_checkpoint(evidence: Evidence, records: Path) -> dict[str, float] | None:
    """Task → bpb of the checkpoint that all proxies started from; None without one."""
    checkpoint = checkpoint_id(evidence)
    if not checkpoint:
        return None
    scores = read_record(_file(records, checkpoint)).filter(pl.col("kind") == "task")
    return dict(scores.select("task", "bpb").iter_rows())


def _file(records: Path, checkpoint: str) -> Path:
    return records / TABLE / f"{checkpoint}.parquet"
