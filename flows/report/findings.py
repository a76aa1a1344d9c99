"""What a report shows: a recommendation, and everything that it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mixes.certainty.worlds import Worlds
from mixes.explain.baselines import Ahead, SimpleGain, ahead, simple_gains
from mixes.explain.health import Check, health_checks
from mixes.explain.held_out import Coverage, HeldOut, coverages, held_out
from mixes.explain.shares_of_gain import GainShares, gain_shares
from mixes.recommendation.baselines import Baseline, baselines
from mixes.recommendation.beside import beside_rows
from mixes.recommendation.optima import optima_of
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import Beside, Recommendation
from mixes.show.printable import one_line
from mixes.tables.metrics import Metric
from mixes.target import OVERALL

if TYPE_CHECKING:
    import polars as pl

    from flows.report.corpus_tables import CorpusTables


@dataclass(frozen=True)
class Findings:
    """A recommendation with its laws and imagined worlds, and what an experiment's catalog knows besides."""

    name: str  # of the experiment, or of the files
    recommendation: Recommendation  # scores with their own sign
    problem: Problem  # lower is better
    worlds: Worlds
    mix: np.ndarray  # (n_domains,) recommended, in the order of the problem's domains
    metrics: Mapping[str, Metric] = field(default_factory=dict)  # task → unit and direction; empty: all bpb
    corpus: "CorpusTables | None" = None  # None for a swarm from files
    lineage: Mapping[str, str] = field(default_factory=dict)  # what it rests on: name → version, hash or command
    buckets: Sequence[Mapping[str, Any]] = ()  # how often quality buckets repeat, where the experiment asks for it
    contents: Mapping[str, str] = field(default_factory=dict)  # domain → hash of what it held

    @property
    def domains(self) -> tuple[str, ...]:
        """In the order of `mix`."""
        return self.problem.fitted.runs.domains

    @property
    def at(self) -> str | None:
        """The size that the answer is for, parameters:tokens; None is the swarm's own."""
        return self.recommendation.at

    @property
    def runs_by_size(self) -> str:
        """Each size of which there are runs, and how many, in words."""
        sizes = self.problem.fitted.runs.sizes_of_runs
        counts = [(str(size), sizes.count(size)) for size in self.problem.fitted.runs.sizes]
        return ", ".join(f"{count} of {size}" for size, count in counts)

    @property
    def carried(self) -> str:
        """A sentence on what scores of runs are, where these have several sizes; else empty."""
        return f" Scores of runs are shown as the laws carry them over to {self.at}." if self.at else ""

    @property
    def reference(self) -> str:
        """What the mix is compared with, in words."""
        return "natural" if self.recommendation.reference == "natural" else "the swarm's centre"

    @property
    def called_anchor(self) -> str:
        """What the pull refers to, in words."""
        return "the mix of `near`" if self.problem.question.settings.limits.near else self.reference

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The families, those that the target counts most first."""
        by_family = self.problem.by_family

        def weight(name: str) -> float:
            return sum(self.problem.target.get(task, 0.0) for task, value in by_family[name].items() if value)

        return tuple(sorted(by_family, key=lambda name: (-round(weight(name), 9), name)))

    @property
    def coverage(self) -> str:
        """Of every interval, as `90%`."""
        return f"{100 * self.recommendation.coverage:g}%"

    def optimism_of(self, pair: tuple[str, str]) -> tuple[float, float]:
        """By how much the laws overstate the recommended mix on two aims."""
        return self.recommendation.predicted[pair[0]].optimism, self.recommendation.predicted[pair[1]].optimism

    def unit(self, aim: str) -> str:
        """Unit of an aim's scores."""
        if aim == OVERALL and self.recommendation.standardised:
            return f"× {self.recommendation.standardised}"
        metric = self._metric(aim)
        return metric.unit if metric else "bpb"

    def higher(self, aim: str) -> bool:
        """Whether more of an aim's score is better."""
        metric = self._metric(aim)
        return bool(metric and metric.direction == "higher")

    def better(self, aim: str) -> str:
        """`lower is better`, or `higher`."""
        return f"{'higher' if self.higher(aim) else 'lower'} is better"

    def own_sign(self, aim: str, scores: np.ndarray) -> np.ndarray:
        """Scores of which less is better, with their own sign."""
        return -scores if self.higher(aim) else scores

    def _metric(self, aim: str) -> Metric | None:
        if aim == OVERALL and self.recommendation.standardised:
            return None
        counted = next((task for task, weight in self.problem.aims[aim].items() if weight), None)
        return self.metrics.get(counted) if counted else None

    @cached_property
    def measured(self) -> "pl.DataFrame | None":
        """The latest validation of this recommendation, one row for the target and each family; None without one."""
        if self.corpus is None:
            return None
        own = self.corpus.validations
        own = own.filter(own["recommendation"] == self.recommendation.id)
        return None if own.is_empty() else own.filter(own["validation"] == own["validation"][-1])

    @cached_property
    def on_target(self) -> HeldOut:
        """Held-out predictions of the target."""
        return held_out(self.problem, OVERALL)

    @cached_property
    def coverages(self) -> list[Coverage]:
        """Nominal against actual coverage on the target."""
        return coverages(self.problem, OVERALL)

    @cached_property
    def compared(self) -> Recommendation:
        """The recommendation with the mixes that it is compared with, which one that was recorded earlier may lack.
        Where domains were folded then, it stays without."""
        recommendation = self.recommendation
        if recommendation.beside or set(self.domains) != set(recommendation.mix):
            return recommendation
        optima = optima_of(self.problem.question, self.problem.fitted, lambda _: self.worlds)
        stated = replace(optima, best=replace(optima.best, mix=self.mix))
        return replace(recommendation, beside=beside_rows(stated, recommendation.predicted[OVERALL]))

    @cached_property
    def simple(self) -> list[Baseline]:
        """Mixes that take no swarm."""
        return baselines(self.problem)

    @cached_property
    def simple_gains(self) -> dict[str, list[SimpleGain]]:
        """Target or family → what each of them gains over the reference."""
        return simple_gains(self.problem, self.worlds, self.simple, (OVERALL, *self.families))

    @cached_property
    def ahead(self) -> list[Ahead]:
        """The target and families on which one of them beats the recommendation by more than noise."""
        rows = (
            ahead(self.problem, self.worlds, self.simple, self.mix, self.recommendation.predicted[aim], aim)
            for aim in self.families
        )
        return [row for row in (self._ahead_on_target(), *rows) if row]

    def _ahead_on_target(self) -> Ahead | None:
        """The simple mix that beats the recommendation most on the target, if one does by more than noise."""
        simple = {baseline.name: baseline for baseline in self.simple}
        rows = [row for row in self.compared.beside if row.kind == "simple" and row.verdict == "worse"]
        best: Beside | None = min(rows, key=lambda row: row.behind, default=None)
        if best is None:
            return None
        return Ahead(OVERALL, simple[best.name], -best.behind, -best.behind_high, -best.behind_low)

    @cached_property
    def gain_shares(self) -> GainShares:
        """What each domain's change brings of the gain on the target."""
        return gain_shares(self.problem, self.worlds, OVERALL, self.mix, self.recommendation.predicted[OVERALL].gain)

    @cached_property
    def checks(self) -> list[Check]:
        """The health checks."""
        return health_checks(self.problem, self.recommendation, self.mix, self.on_target, self.coverages)


def shown(name: str) -> str:
    """A name from data, its odd characters spelled out."""
    return one_line(name)
