"""The suite and the candidate mixes of a swarm, in a store of stages that makes them, or only finds them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from flows.experiment import Experiment
from flows.settings.question import question_address, question_of
from flows.settings.reuse import reuse_plan
from mixes.reuse.plan import draw_reusing_swarm
from mixes.swarm import Candidate, SwarmSettings, draw_round, draw_swarm
from pipeline.pool.pool import Pool
from pipeline.store.stage import Stage, StageStore
from pipeline.store.writing import write_aside
from pipeline.suite import encode_suite
from pipeline.train.setup import Evidence

CANDIDATES = TypeAdapter(list[Candidate])


def make_suite(experiment: Experiment, stages: StageStore, pool_folder: Path) -> Path:
    """The suite, tokenised."""
    corpus = experiment.corpus
    file = corpus.suite_file
    context = experiment.proxy.context
    settings = {"items": experiment.suite.items, "context": context}
    stage = Stage(
        "suite", 2, settings, (stages.hash_files([file]), stages.hash_files([pool_folder / "tokenizer.json"]))
    )

    def work(folder: Path) -> None:
        finished = Pool(pool_folder)
        encode_suite(corpus.located(file), experiment.suite, finished.tokenizer, finished.end_token, context, folder)

    return stages.run(stage, work)


def draw_first(experiment: Experiment, stages: StageStore, evidence: Evidence) -> list[Candidate]:
    """The candidate mixes of a swarm, or of its first round."""
    caps = evidence.caps(experiment.swarm.max_epochs) if evidence.kept else None
    return draw_from_pool(experiment, stages, evidence.pool, experiment.swarm, caps)


def draw_from_pool(
    experiment: Experiment,
    stages: StageStore,
    pool_folder: Path,
    settings: SwarmSettings,
    caps: Mapping[str, float] | None,
) -> list[Candidate]:
    """The candidate mixes that `settings` draw from a pool, by the experiment's plan of reuse where it has one."""
    tokens = {name: domain.tokens for name, domain in Pool(pool_folder).domains.items()}
    plan = reuse_plan(experiment, stages, pool_folder)
    if plan:
        return draw_reusing_swarm(tokens, experiment.proxy.tokens, settings, experiment.seed, plan, caps)
    return draw_swarm(tokens, experiment.proxy.tokens, settings, experiment.seed, caps)


def draw_next(
    experiment: Experiment, stages: StageStore, evidence: Evidence, earlier: list[Candidate], number: int
) -> list[Candidate]:
    """The candidate mixes of a later round: drawn once, whatever the last digits of a fit on another machine."""
    pool, settings = Pool(evidence.pool), experiment.swarm
    caps = evidence.caps(settings.max_epochs)
    address = {**question_address(experiment), "swarm": settings.model_dump(), "round": number}
    stage = Stage("round", 2, address, (pool.folder.name, evidence.suite.name, evidence.runs_hash(earlier)))

    def work(folder: Path) -> None:
        from mixes.recommendation.rounds import likely_optima  # with every law and solver

        question = question_of(experiment, evidence, earlier).within(caps)
        optima = likely_optima(replace(question, seed=experiment.seed + number), settings.rounds[number - 1])
        drawn = draw_round(number, earlier, optima, pool.natural, caps, settings, experiment.seed)
        write_aside(folder / "candidates.json", CANDIDATES.dump_json(drawn))

    folder = stages.run(stage, work)
    return CANDIDATES.validate_json((folder / "candidates.json").read_bytes())
