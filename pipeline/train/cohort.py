"""The step that trains cohorts: one per rank, its proxies recorded when they end.

Records are immutable and written when a cohort has ended, the row in `runs` last. Until then the cohort lives in its
checkpoint, so a rank that was killed goes on where it was, with the same proxies. A cohort that does not fit the
memory is halved, which the ranks after it know; a proxy that diverged is tried once more at half the rate.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.proxy.items import Item
from mixes.proxy.settings import ProxySettings
from mixes.swarm import Candidate
from pipeline.pool.pool import TRAIN, VALIDATION, Pool
from pipeline.store.documents import write_parquet
from pipeline.store.tokenizer import vocabulary_hash
from pipeline.suite import read_items, suite_families
from pipeline.train.cohort_limit import largest_cohort, limit_cohorts
from pipeline.train.records import DIVERGED, TRAINED, is_recorded
from pipeline.train.setup import VALIDATION_SEQUENCES, Evidence

if TYPE_CHECKING:  # torch is imported only by the ranks that train
    from mixes.proxy.model import Proxies
    from mixes.proxy.train import Trained

TRIES = 2  # a proxy that diverged is trained once more …
SLOWER = 0.5  # … at this share of the rate (assumed)
LEAST_SHARE = 1e-5  # of the tokens scored together, below which one sequence is all there is
LAST = 20  # steps that the recorded loss is the mean of

SCORES = dict.fromkeys(("run", "kind", "task", "family"), pl.String) | {"bpb": pl.Float64, "items": pl.Int64}
ITEMS = dict.fromkeys(("run", "task", "item"), pl.String) | {"bpb": pl.Float64, "bytes": pl.Int64}


class TrainCohorts(PipelineStep):
    """Rank r trains cohort r, r + world_size, … and records its runs."""

    type = "mixwright"
    name = "train"

    def __init__(
        self, evidence: Evidence, cohorts: Sequence[Sequence[Candidate]], parts: int, records: Path, folder: Path
    ) -> None:
        super().__init__()
        self.evidence, self.cohorts, self.parts = evidence, cohorts, parts
        self.records, self.folder = records, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes records; yields nothing."""
        for cohort in self.cohorts[rank::world_size]:
            if not all(is_recorded(self.records, self.evidence.run_id(candidate)) for candidate in cohort):
                CohortTrainer(self.evidence, self.records, self.folder).train(cohort, self.parts)
        return iter(())


class CohortTrainer:
    """Trains, scores and records candidates together, or in parts where they do not fit or do not converge."""

    def __init__(self, evidence: Evidence, records: Path, folder: Path) -> None:
        from mixes.proxy.checkpoint import load_proxy
        from mixes.proxy.tokens import DomainTokens

        self.evidence, self.records, self.folder = evidence, records, folder
        settings, pool = evidence.proxy, Pool(evidence.pool)
        kept = {TRAIN: evidence.kept or {}, VALIDATION: {}}
        self.streams = {
            split: {
                name: DomainTokens(name, files, settings.context, kept[split].get(name), pool.vocabulary)
                for name, files in pool.files(split).items()
            }
            for split in kept
        }
        self.vocabulary, self.token_bytes = pool.vocabulary, pool.token_bytes
        self.tokenizer, start = vocabulary_hash(pool.tokenizer), settings.init_from
        self.start = load_proxy(Path(start), settings, self.vocabulary, self.tokenizer) if start else None

    def train(self, candidates: Sequence[Candidate], parts: int, attempt: int = 1) -> None:
        """Train and record all of `candidates`.

        Raises:
            MixError: a single sequence of a single proxy does not fit the memory.
        """
        from mixes.proxy.device import is_out_of_memory, release_memory

        limit = largest_cohort(self.folder)
        if limit and len(candidates) > limit:
            return self._train_halves(candidates, parts, attempt)
        try:
            return self._train_together(candidates, parts, attempt)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        release_memory()  # out of the handler, whose traceback held the tensors
        if len(candidates) > 1:
            limit_cohorts(self.folder, _half(candidates))
            return self._train_halves(candidates, parts, attempt)
        if parts >= self.evidence.proxy.batch:
            raise MixError(f"proxy.size: one sequence of {self.evidence.proxy.size} does not fit — take a smaller size")
        return self.train(candidates, min(2 * parts, self.evidence.proxy.batch), attempt)

    def _train_halves(self, candidates: Sequence[Candidate], parts: int, attempt: int) -> None:
        for half in (candidates[: _half(candidates)], candidates[_half(candidates) :]):
            self.train(half, parts, attempt)

    def _train_together(self, candidates: Sequence[Candidate], parts: int, attempt: int) -> None:
        from mixes.proxy.tokens import Member
        from mixes.proxy.train import train_cohort

        settings = self.evidence.proxy
        if attempt > 1:
            settings = settings.model_copy(update={"learning_rate": SLOWER * settings.learning_rate})
        ids = [attempt, parts, *(self.evidence.run_id(candidate) for candidate in candidates)]
        name = short_hash(json.dumps(ids))
        checkpoint = self.records.parent / "checkpoints" / f"cohort-{name}.pt"
        members = [Member(candidate.weights, candidate.seed) for candidate in candidates]
        trained = train_cohort(
            settings, members, self.streams[TRAIN], self.vocabulary, self.start, checkpoint, parts, logger.info
        )
        again = self._record(candidates, trained, settings, parts, attempt)
        if again:
            self.train(again, parts, attempt + 1)
        checkpoint.unlink(missing_ok=True)

    def _record(
        self, candidates: Sequence[Candidate], trained: "Trained", settings: ProxySettings, parts: int, attempt: int
    ) -> list[Candidate]:
        """Write the records of a cohort; returns the candidates that diverged and have a try left."""
        from mixes.proxy.checkpoint import save_proxy

        scores, items = self.score(trained.proxies)
        again = []
        for number, candidate in enumerate(candidates):
            run, own_scores = self.evidence.run_id(candidate), scores.filter(pl.col("number") == number)
            diverged = bool(trained.diverged[number]) or not own_scores["bpb"].is_finite().all()
            if diverged and attempt < TRIES:
                again.append(candidate)
                continue
            if is_recorded(self.records, run):
                continue  # by an earlier life of this rank
            for table, frame, schema in (("scores", own_scores, SCORES), ("items", items, ITEMS)):
                rows = frame.filter(pl.col("number") == number).with_columns(run=pl.lit(run))
                rows = rows.clear() if diverged else rows
                write_parquet(rows.select(*schema), self.records / table / f"{run}.parquet")
            if settings.keep_models and not diverged:
                weights = trained.proxies.weights_of(number)
                save_proxy(self.records / "models" / f"{run}.pt", weights, self.tokenizer)
            record = self._row(run, candidate, trained, settings, number, diverged)
            record |= {"attempt": attempt, "parts": parts}
            write_parquet(
                pl.DataFrame([record], schema_overrides={"loss": pl.Float64}), self.records / "runs" / f"{run}.parquet"
            )
        return again

    def score(self, proxies: "Proxies") -> tuple[pl.DataFrame, pl.DataFrame]:
        """Scores by task and validation split, and by item; `number` is the proxy's place in the cohort."""
        suite, families = read_items(self.evidence.suite), suite_families(self.evidence.suite)
        bpb, validation = self._bpb(proxies, suite)  # (S, n_items)
        place_of: dict[str, list[int]] = {task: [] for task in sorted(families)}
        for place, item in enumerate(suite):
            place_of[item.task].append(place)
        scores, items = [], []
        for number in range(len(bpb)):
            for task, places in place_of.items():
                mean = float(bpb[number, places].mean())
                scores.append((number, "task", task, families[task], mean, len(places)))
            for domain, values in sorted(validation.items()):
                scores.append((number, "validation", domain, domain, float(values[number]), 1))
            items += [
                (number, item.task, item.item, float(value), item.size)
                for item, value in zip(suite, bpb[number], strict=True)
            ]
        counted = {"number": pl.Int64}
        return (
            pl.DataFrame(scores, schema=counted | {k: v for k, v in SCORES.items() if k != "run"}, orient="row"),
            pl.DataFrame(items, schema=counted | {k: v for k, v in ITEMS.items() if k != "run"}, orient="row"),
        )

    def _bpb(
        self, proxies: "Proxies", suite: list[Item], share: float = 1.0
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Of items (S, n_items) and of validation splits (S,); fewer together where they do not fit the memory, since
        training is done and would be lost."""
        from mixes.proxy.device import is_out_of_memory, release_memory
        from mixes.proxy.evaluate import item_bpb, validation_bpb

        streams, sizes = self.streams[VALIDATION], self.token_bytes
        try:
            return item_bpb(proxies, suite, share), validation_bpb(proxies, streams, sizes, VALIDATION_SEQUENCES, share)
        except (RuntimeError, MemoryError) as error:
            if share < LEAST_SHARE or not is_out_of_memory(error):
                raise
        release_memory()
        return self._bpb(proxies, suite, share / 4)

    def _row(
        self, run: str, candidate: Candidate, trained: "Trained", settings: ProxySettings, number: int, diverged: bool
    ) -> dict[str, Any]:
        from mixes.proxy.device import TORCH

        cohort = len(trained.losses)
        return {
            "run": run,
            "mix": candidate.mix,
            "seed": candidate.seed,
            "pool": self.evidence.pool.name,
            "suite": self.evidence.suite.name,
            "size": settings.size,
            "parameters": trained.proxies.parameters_each,
            "tokens": settings.trained,
            "batch": settings.batch,
            "learning_rate": settings.learning_rate,
            "device": settings.device,
            "torch": TORCH,
            "status": DIVERGED if diverged else TRAINED,
            "cohort": cohort,
            "loss": None if diverged else float(np.mean(trained.losses[number, -LAST:])),
            "seconds": trained.seconds / cohort,
            "waited": trained.waited / cohort,
            "weights": json.dumps(dict(sorted(candidate.weights.items()))),
        }


def _half(candidates: Sequence[Candidate]) -> int:
    """The larger one's size."""
    return (len(candidates) + 1) // 2
