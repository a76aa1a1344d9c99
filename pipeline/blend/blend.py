"""Writes a blend: the training set that a mix is, from the pool's documents.

    index      a small row for every document of the pool               one rank per file of the pool
    choose     how far each bucket is used, where the blend is cut      from the index alone
    scatter    each document's copies into piles                        one rank per file of the pool
    write      each shard's piles, sorted                               one rank per shard

All of it happens in a hidden folder of the blend's own folder. Shards appear when all are written, and the manifest
last. A run that was killed goes on where it was; ranks and shards do not depend on the number of workers.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where a step is run
    from datatrove.pipeline.base import PipelineStep

from pipeline.blend.choose import Index, choose_documents, cut_blend
from pipeline.blend.formats.kind import Written
from pipeline.blend.formats.registry import format_named
from pipeline.blend.layout import About, Choice, read_choice, write_about, write_choice
from pipeline.blend.manifest import MANIFEST, VERSION, BucketUse, DomainUse, Manifest, read_manifest
from pipeline.blend.plan import Plan
from pipeline.blend.shards import read_written
from pipeline.errors import PipelineError
from pipeline.executor.progress import Progress
from pipeline.executor.settings import ExecutorSettings
from pipeline.store.files import rank_name
from pipeline.store.lock import locked
from pipeline.store.tokenizer import vocabulary_hash
from pipeline.store.writing import rename, write_aside

SCRATCH = ".blend"  # what is half finished
PLAN, ABOUT, CHOICE, SHARDS = "plan.json", "about.json", "choice.json", "shards"
TOKENIZER = "tokenizer.json"
PILE = 64 << 20  # bytes of documents that a rank sorts at once
RunStep = Callable[[str, Callable[[Progress], None]], None]  # (name, work that reports progress)


def finished_blend(plan: Plan, folder: Path) -> Manifest | None:
    """The manifest of this blend where it is finished.

    Raises:
        PipelineError: the folder holds something else.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise PipelineError(f"blend: {folder} is no folder — name one that is empty, or not there yet")
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if MANIFEST in held:
        manifest = read_manifest(folder, "blend:")
        if manifest.id != plan.id:
            raise PipelineError(f"blend: {folder} holds another blend ({manifest.id}) — name another folder")
        return manifest
    if SCRATCH in held:
        try:
            begun = json.loads((folder / SCRATCH / PLAN).read_bytes())["id"]
        except (OSError, ValueError, KeyError, TypeError):
            begun = None
        if begun not in (None, plan.id):
            raise PipelineError(
                f"blend: {folder} holds a blend of other settings that was not finished ({begun}) — repeat its "
                "command, delete the folder, or name another"
            )
    elif strange := sorted(name for name in held if not name.startswith(".")):
        raise PipelineError(f"blend: {folder} holds other files ({strange[0]!r}) — name a folder that is empty")
    return None


def write_blend(plan: Plan, folder: Path, executor: ExecutorSettings, run: RunStep) -> Manifest:
    """Write the blend into `folder`; what an earlier run of the same command finished is kept.

    Raises:
        PipelineError: the folder holds something else, or the disk has no room.
        DamagedTokens: a token file of the pool is not what was written.
    """
    done = finished_blend(plan, folder)
    if done and _is_whole(folder, done):
        return done
    scratch = folder / SCRATCH
    if not scratch.is_dir():
        _check_room(plan, folder)
    scratch.mkdir(parents=True, exist_ok=True)
    with locked(scratch / "lock"):
        done = finished_blend(plan, folder)  # by another process, meanwhile
        if done and _is_whole(folder, done):
            return done
        write_aside(scratch / PLAN, json.dumps({"id": plan.id}).encode())
        (folder / MANIFEST).unlink(missing_ok=True)  # of a blend that lost a file, which is written again
        steps = _Steps(plan, scratch, executor, run)
        write_about(scratch / ABOUT, steps.about)
        steps.choose()
        steps.scatter()
        steps.write()
        return _finish(plan, steps, folder)


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    """Whether all files are there and as long as they were; `verify-blend` reads them too."""
    try:
        return all((folder / name).stat().st_size == file["bytes"] for name, file in manifest.shards.items())
    except OSError:
        return False


def _check_room(plan: Plan, folder: Path) -> None:
    """See that the disk holds the documents twice: in piles, and in shards."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    needed, free = 2 * plan.carried_bytes, shutil.disk_usage(there).free
    if needed > free:
        raise PipelineError(
            f"blend: {folder}: about {needed / 1e9:,.1f} GB are needed while it is written, and the disk has "
            f"{free / 1e9:,.1f} GB free — make room, ask for fewer tokens, or name a folder on another disk"
        )


@dataclass(frozen=True)
class _Steps:
    """The steps of a blend, each on the executor."""

    plan: Plan
    scratch: Path
    executor: ExecutorSettings
    run: RunStep

    @cached_property
    def about(self) -> About:
        """What the ranks are told of the blend."""
        plan, tokenised = self.plan, self.plan.pool.tokenised
        name = plan.request.format_name
        return About(
            tokenised=tokenised.absolute(),
            ranks=len(list((tokenised / "pool").glob("[0-9]*.parquet"))),
            buckets=tuple(plan.buckets),
            hashed={file["file"]: file["sha256"] for file in plan.pool.manifest["files"] if "sha256" in file},
            format_name=name,
            carried=format_named(name).carried,
            width=plan.token_bytes,
            tokenizer=TOKENIZER,
        )

    @cached_property
    def choice(self) -> Choice:
        """What was chosen."""
        return read_choice(self.scratch / CHOICE)

    def choose(self) -> None:
        """Write the index, and what follows from it; found again where an earlier run had it."""
        if (self.scratch / CHOICE).exists():
            return
        from pipeline.blend.index import IndexDocuments

        plan, index = self.plan, self.scratch / "index"
        self._over("index", IndexDocuments(self.scratch / ABOUT, index), self.about.ranks)
        rows = Index(index, self.about.ranks, plan.order_seed)
        uses = choose_documents(rows, plan.buckets, plan.reach, plan.earlier)
        shards = max(1, math.ceil(plan.request.tokens / plan.request.shard_tokens))
        piles = max(1, math.ceil(plan.carried_bytes / shards / PILE))
        cut = cut_blend(rows, uses, plan.earlier, plan.request.seed, shards * piles)
        if not sum(cut.documents):
            raise PipelineError(f"--tokens {plan.request.tokens:,}: no document is that short — ask for more tokens")
        choice = Choice(tuple(uses), tuple(plan.earlier), plan.order_seed, plan.request.seed, cut, piles)
        write_choice(self.scratch / CHOICE, choice)

    def scatter(self) -> None:
        """Lay the documents out in piles."""
        from pipeline.blend.scatter import Scatter

        scratch = self.scratch
        step = Scatter(scratch / ABOUT, scratch / CHOICE, scratch / "index", scratch / "piles")
        self._over("scatter", step, self.about.ranks)

    def write(self) -> None:
        """Write the shards."""
        from pipeline.blend.shards import WriteShards

        scratch = self.scratch
        step = WriteShards(scratch / ABOUT, scratch / CHOICE, scratch / "piles", scratch / SHARDS)
        self._over("write", step, self.choice.shards)

    def _over(self, name: str, step: "PipelineStep", ranks: int) -> None:
        """Run a step over its ranks; those that an earlier run completed are skipped."""

        def work(progress: Progress) -> None:
            from pipeline.executor.run import run_steps

            run_steps("blend", [step], ranks, self.scratch / "logs" / name, self.executor, progress)

        self.run(name, work)


def _finish(plan: Plan, steps: _Steps, folder: Path) -> Manifest:
    """Let the shards appear, then the manifest, and take what was half finished away."""
    scratch = steps.scratch
    shards = {number: read_written(scratch / SHARDS, number) for number in range(steps.choice.shards)}
    shards = {number: shard for number, shard in shards.items() if sum(shard.documents)}  # trainers stumble over others
    for number, shard in shards.items():
        for name in shard.files:
            aside = scratch / SHARDS / rank_name(number) / name
            if aside.exists():
                (folder / name).parent.mkdir(exist_ok=True)
                rename(aside, folder / name)
    written = list(shards.values())
    for name, content in format_named(plan.request.format_name).finish(written, steps.about).items():
        write_aside(folder / name, content)
    write_aside(folder / TOKENIZER, (plan.pool.folder / TOKENIZER).read_bytes())
    manifest = _manifest(plan, steps.choice, written)
    write_aside(folder / MANIFEST, manifest.sealed())
    shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def _manifest(plan: Plan, choice: Choice, written: list[Written]) -> Manifest:
    asked, pool, total = plan.request, plan.pool, sum(choice.cut.tokens)
    counted = [sum(shard.tokens[number] for shard in written) for number in range(len(plan.buckets))]
    assert counted == list(choice.cut.tokens), "shards hold other tokens than were chosen"
    buckets = [
        BucketUse(
            domain=bucket.domain, bucket=bucket.number, pool_documents=bucket.documents, pool_tokens=bucket.tokens,
            documents=documents, singles=singles, tokens=tokens, copies=use.copies, below=use.below, also=use.also,
            used_tokens=use.tokens,
        )
        for bucket, use, documents, tokens, singles in zip(
            plan.buckets, choice.uses, choice.cut.documents, choice.cut.tokens, choice.cut.singles, strict=True
        )
    ]  # fmt: skip
    domains = []
    for row in plan.domains:
        own = [bucket for bucket in buckets if bucket.domain == row.domain]
        tokens, held = sum(bucket.tokens for bucket in own), pool.domains[row.domain].tokens
        domains.append(
            DomainUse(
                domain=row.domain, weight=row.weight, share=tokens / total, asked_tokens=row.tokens, tokens=tokens,
                documents=sum(bucket.documents for bucket in own), epochs=tokens / held,
                used_epochs=sum(bucket.used_tokens for bucket in own) / held,
            )
        )  # fmt: skip
    return Manifest(
        version=VERSION, id=plan.id, recommendation=asked.recommendation, experiment=asked.experiment,
        pool=pool.folder.name, format=asked.format_name, seed=asked.seed, order_seed=plan.order_seed,
        after=asked.after.id if asked.after else None,
        tokenizer_sha256=hashlib.sha256((pool.folder / TOKENIZER).read_bytes()).hexdigest(),
        vocabulary=pool.vocabulary, vocabulary_sha256=vocabulary_hash(pool.tokenizer), token_bytes=plan.token_bytes,
        end_token=pool.end_token, asked_tokens=asked.tokens, tokens=total, documents=sum(choice.cut.documents),
        domains=tuple(domains), buckets=tuple(buckets),
        shards={name: file for shard in written for name, file in shard.files.items()},
    )  # fmt: skip
