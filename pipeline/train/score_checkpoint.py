"""The step that scores a checkpoint, where proxies train and on their device."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.store.documents import write_parquet
from pipeline.train.cohort import SCORES, CohortTrainer
from pipeline.train.setup import Evidence


class ScoreCheckpoint(PipelineStep):
    """Scores the checkpoint as a cohort of one, and records it."""

    type = "mixwright"
    name = "score-checkpoint"

    def __init__(self, evidence: Evidence, file: Path, folder: Path) -> None:
        super().__init__()
        self.evidence, self.file, self.folder = evidence, file, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes the record; yields nothing."""
        from mixes.proxy.device import prepare_device
        from mixes.proxy.model import Proxies

        settings = self.evidence.proxy
        trainer = CohortTrainer(self.evidence, self.file.parent.parent, self.folder)
        assert trainer.start
        proxies = Proxies(settings.shape, trainer.vocabulary, settings.context, [0], settings.tied)
        proxies.start_from(trainer.start)
        scores, _ = trainer.score(proxies.to(prepare_device(settings)))
        columns = [name for name in SCORES if name != "run"]
        write_parquet(scores.select(pl.lit(self.file.stem).alias("checkpoint"), *columns), self.file)
        return iter(())
