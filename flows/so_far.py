"""The recommendation so far, shown while proxies train.

It is made from the records, which an executor of any kind writes into the work folder, by the mathematics of the final
recommendation with fewer imagined worlds. It changes nothing: it is no stage, the catalog does not hold it, and a swarm
that cannot be fitted yet trains on without a word. A thread of a lower priority does the work and then rests, so
that training keeps nearly all of the processor.
"""

import contextvars
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from flows.experiment import Experiment
from flows.orchestration import publish
from flows.settings.question import question_of
from flows.settings.reuse import answer_folded, reuse_plan
from flows.show.progress import note
from flows.show.so_far import so_far_lines
from mixes.errors import MixError
from mixes.recommendation.result import Recommendation
from mixes.show.markdown import escaped
from mixes.swarm import Candidate
from pipeline.executor.progress import Progress
from pipeline.train.records import is_recorded
from pipeline.train.setup import Evidence

FIRST = 12  # mixes: two more than cross-validation needs
STEP = 0.1  # share of the swarm's mixes from one line to the next, two at least (assumed)
SHARE = 0.03  # of one core's time that this may take; on the sample it takes 2 to 3 s each time
WORLDS = 60  # imagined; with 40, 80 and 200 the sample's intervals differ by 1 to 3 % at their ends (measured)
NICE = 5  # lower priority than proxies, a quarter of a core where they keep all busy (at 19 two seconds took 30)


def recommendation_so_far(experiment: Experiment, evidence: Evidence, scored: list[Candidate]) -> Recommendation:
    """What the records of the candidates in `scored` recommend.

    Raises:
        MixError: there are too few of them, or too many diverged.
    """
    from mixes.recommendation.recommend import recommend_alone  # with every law and solver

    question = question_of(experiment, evidence, scored)
    fewer = {"replicates": min(WORLDS, question.settings.replicates), "front": 0}
    question = replace(question, settings=question.settings.model_copy(update=fewer))
    return answer_folded(question, reuse_plan(experiment, experiment.corpus.stages, evidence.pool), recommend_alone)


def lines_so_far(experiment: Experiment, evidence: Evidence, scored: list[Candidate], mixes: int) -> list[str]:
    """What the records of `scored` recommend, as lines; `mixes`: of the whole swarm.

    Raises:
        MixError: as `recommendation_so_far`.
    """
    recommendation = recommendation_so_far(experiment, evidence, scored)
    counted = len({candidate.mix for candidate in scored})
    return so_far_lines(recommendation, counted, mixes, experiment.recommend.coverage)


def told_so_far(experiment: Experiment, evidence: Evidence, scored: list[Candidate], mixes: int) -> list[str]:
    """The same for whoever asks; a line says why nothing can be told yet."""
    counted = {candidate.mix for candidate in scored}
    if "natural" not in counted or len(counted) < FIRST:
        return [
            f"{len(counted)} of {mixes} mixes scored; from {FIRST} on, with natural among them, they tell something"
        ]
    try:
        return lines_so_far(experiment, evidence, scored, mixes)
    except MixError as error:
        return [f"{len(counted)} of {mixes} mixes scored; they tell nothing yet ({error})"]


class Watch:
    """Looks for new scores, and shows what they recommend."""

    def __init__(self, experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> None:
        self.experiment, self.evidence, self.candidates = experiment, evidence, candidates
        self.mixes = len({candidate.mix for candidate in candidates})
        self.next, self.done = FIRST, -1  # mixes that the next lines are of, at least; ranks
        self.more, self.ended = threading.Event(), threading.Event()

    def notice(self, done: int) -> None:
        """Have `run` look, where more ranks are done than before."""
        if done != self.done:
            self.done = done
            self.more.set()

    def end(self) -> None:
        """Show nothing any more: work that was begun ends unheard."""
        self.ended.set()
        self.more.set()

    def run(self) -> None:
        """Look whenever there may be something new, until the end; for a thread."""
        with suppress(OSError, AttributeError):  # a system whose threads have no priorities
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        started, worked = time.monotonic(), time.thread_time()
        while not self.ended.wait((time.thread_time() - worked) / SHARE - (time.monotonic() - started)):
            self.more.wait()
            self.more.clear()
            if not self.ended.is_set():
                self.look()

    def look(self) -> None:
        """Show a recommendation where there are enough new mixes, natural among them, and not all is trained."""
        records = self.experiment.records
        scored = [candidate for candidate in self.candidates if is_recorded(records, self.evidence.run_id(candidate))]
        mixes = {candidate.mix for candidate in scored}
        if "natural" not in mixes or len(mixes) < self.next or len(scored) == len(self.candidates):
            return
        self.next = len(mixes) + max(2, round(STEP * self.mixes))
        try:
            lines = lines_so_far(self.experiment, self.evidence, scored, self.mixes)
        except Exception:  # scores that no law fits yet, a damaged record: training goes on, and meets what matters
            return
        if not self.ended.is_set():
            for line in lines:
                note("so far", line)
            publish("recommendation-so-far", "\n\n".join(map(escaped, lines)), f"{len(mixes)} of {self.mixes} mixes")


@contextmanager
def shown_so_far(
    experiment: Experiment, evidence: Evidence, candidates: list[Candidate], *heard: Progress
) -> Iterator[Progress]:
    """Yields a progress for the executor, which all of `heard` hear; it is also the sign to look for new scores."""
    watch = Watch(experiment, evidence, candidates)
    context = contextvars.copy_context()  # Prefect's: artifacts belong to the flow
    threading.Thread(target=context.run, args=(watch.run,), daemon=True).start()

    def report(done: int, total: int) -> None:
        for progress in heard:
            progress(done, total)
        watch.notice(done)

    try:
        yield report
    finally:
        watch.end()
