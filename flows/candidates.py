"""The suite and the candidate mixes of a swarm, in a store of stages that makes them, or only finds them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from flows.earlier.carry import carried_runs
from flows.experiment import Experiment
from flows.settings.question import question_address, question_of
from flows.settings.reuse import reuse_plan
from mixes.reuse.beside import draw_beside
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
    return draw_from_pool(experiment, stages, evidence.pool, experiment.swarm, caps, evidence)


def draw_from_pool(
    experiment: Experiment,
    stages: StageStore,
    pool_folder: Path,
    settings: SwarmSettings,
    caps: Mapping[str, float] | None,
    evidence: Evidence | None = None,
) -> list[Candidate]:
    """The candidate mixes that `settings` draw from a pool, by the experiment's plan of reuse where it has one. Earlier
    runs, which are candidates too, are compared with `evidence`, which the new proxies share."""
    tokens = {name: domain.tokens for name, domain in Pool(pool_folder).domains.items()}
    if experiment.reuse and experiment.reuse.runs:
        earlier = carried_runs(experiment, stages, evidence).candidates
        drawn = draw_beside(tokens, experiment.proxy.tokens, settings, experiment.seed, earlier, caps)
        return list({evidence.run_id(one): one for one in reversed(drawn)}.values())[::-1] if evidence else drawn
    plan = reuse_plan(experiment, stages, pool_folder)
    if plan:
        return draw_reusing_swarm(tokens, experiment.proxy.tokens, settings, experiment.seed, plan, caps)
    return draw_swarm(tokens, experiment.proxy.tokens, settings, experiment.seed, caps)


def draw_next(
    experiment: Experiment, stages: StageStore, evidence: Evidence, earlier: list[Candidate], number: int
) -> list[Candidate]:
    """The candidate mixes of a later round: drawn once, whatever the last digits of a fit on another machine. None
    where `swarm.stop` finds that the scores say enough."""
    pool, settings = Pool(evidence.pool), experiment.swarm
    caps = evidence.caps(settings.max_epochs)
    plain = settings.model_dump(exclude=set() if settings.stop else {"stop"})
    address = {**question_address(experiment), "swarm": plain, "round": number}
    stage = Stage("round", 3, address, (pool.folder.name, evidence.suite.name, evidence.runs_hash(earlier)))

    def work(folder: Path) -> None:
        from mixes.recommendation.rounds import FOR_REGRET, look_ahead  # with every law and solver

        question = question_of(experiment, evidence, earlier).within(caps)
        count = settings.schedule(len(caps))[number - 1]
        worlds = max(count, FOR_REGRET) if settings.stop else count
        ahead = look_ahead(replace(question, seed=experiment.seed + number), worlds)
        enough = settings.stop is not None and ahead.noises <= settings.stop.regret
        drawn = (
            [] if enough else draw_round(number, earlier, ahead.optima, pool.natural, caps, settings, experiment.seed)
        )
        left = {"regret": ahead.regret, "noise": ahead.noise, "noises": ahead.noises}
        write_aside(folder / "regret.json", json.dumps(left).encode())
        write_aside(folder / "candidates.json", CANDIDATES.dump_json(drawn, exclude_none=True))

    folder = stages.run(stage, work)
    if settings.stop:
        left = json.loads((folder / "regret.json").read_bytes())
        mixes = len({candidate.mix for candidate in earlier})
        stages.note(
            f"after {mixes} mixes the best mix is expected to be {left['regret']:.3f} bpb better than the one "
            f"recommended so far: {left['noises']:.2f} noises of a difference, {settings.stop.regret:g} end the swarm"
        )
    return CANDIDATES.validate_json((folder / "candidates.json").read_bytes())


def later_rounds(experiment: Experiment, first: list[Candidate]) -> range:
    """Numbers of the rounds after the first; `draw_next` may end them early."""
    return range(2, len(experiment.swarm.schedule(len(first[0].weights))) + 1)
