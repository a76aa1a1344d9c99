"""One reader's page: its state, and what was answered last."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from flows.errors import INPUT_ERRORS
from flows.explorer.answers import FEW, Shown, Stale, optima_by_more, optimism_of, point, shown
from flows.explorer.controls import Controls, controls_of
from flows.explorer.draw import optimum
from flows.explorer.explored import Explored
from flows.explorer.other_mixes import other_mixes
from flows.explorer.parts import error
from flows.explorer.state import KEYS, Params, State, state_of
from flows.report.findings import Findings
from mixes.errors import cut_short
from mixes.recommendation.from_tables import in_own_direction
from mixes.recommendation.optima import Optima
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommendation_of, with_beside
from mixes.recommendation.result import Recommendation


class Session:
    """What cells of one page share. Only the page's own cells change it, one after the other."""

    def __init__(self, explored: Explored, params: Params) -> None:
        self.explored, self.findings = explored, explored.findings
        state, self.notes = state_of(params)
        self.state, unknown = _known_names(state, self.findings)
        self.notes += unknown
        self.controls: Controls = controls_of(explored.question, self.findings, self.state)
        self.optimism = optimism_of(self.findings.recommendation)
        self.mix: Mapping[str, float] = self._opening()
        opening = self.findings.recommendation
        if self.findings.metrics:  # turned a second time, scores are again such that less is better
            opening = in_own_direction(opening, self.findings.metrics)
        is_whole = set(opening.mix) == set(self.findings.domains)  # not where domains were folded
        self._answered = (_key(explored.question), opening) if is_whole else None
        self._optima: Optima | None = None  # of `_answered`, where they were solved here

    def move(self, **changes: Any) -> State:
        """The state with other values in some fields, which is the page's from now on."""
        self.state = replace(self.state, **changes)
        return self.state

    def bounds_of(self, domain: str) -> tuple[float, float]:
        """Where a domain's bounds begin, in percent: as they are, or locked at its present weight."""
        low, high = self.state.bounds.get(domain, (self.mix[domain],) * 2)
        return round(100 * low, 2), round(100 * high, 2)

    def point(self, question: Question) -> Shown:
        """The optimum at once; with its intervals where these are known."""
        if known := self._known(question):
            now = shown(known, self.findings)
        else:
            now = point(question, self.findings, self.optimism)
        self.mix = now.mix
        return now

    def recommendation(self, question: Question, is_stale: Callable[[], bool] = lambda: False) -> Recommendation:
        """The optimum with its intervals, scores of which less is better; computed once per question.

        Raises:
            Stale: `is_stale` has become true.
            MixError: as `recommend`.
        """
        *_, (whole, _) = self._by_more(question, is_stale)
        return whole

    def followed(self, question: Question, is_stale: Callable[[], bool]) -> Iterator[str]:
        """HTML of the optimum with its intervals, or of why there are none; nothing once nobody waits for it.

        Where there are many worlds, those of the first few come first.
        """
        state, count = self.state, len(self.findings.worlds)
        try:
            for recommendation, is_whole in self._by_more(question, is_stale):
                line = f"Intervals by the first {FEW} of {count} imagined worlds. Those by all follow …"
                yield optimum(shown(recommendation, self.findings), self.findings, state, "" if is_whole else line)
        except Stale:
            return
        except INPUT_ERRORS as mistake:
            yield error(str(mistake))

    def others(self, question: Question, is_stale: Callable[[], bool]) -> Iterator[str]:
        """HTML of the mixes that the optimum is compared with, or of why there are none; nothing once nobody waits."""
        try:
            yield other_mixes(self._compared(question, is_stale), self.findings)
        except Stale:
            return
        except INPUT_ERRORS as mistake:
            yield error(str(mistake))

    def _compared(self, question: Question, is_stale: Callable[[], bool]) -> Recommendation:
        """The optimum with its intervals and with other mixes; computed once per question."""
        recommendation = self.recommendation(question, is_stale)
        if recommendation.beside:
            return recommendation
        if self._optima is None:  # it was recorded
            *_, self._optima = optima_by_more(question, self.findings, is_stale)
        recommendation = with_beside(recommendation, self._optima)
        self._answered = (_key(question), recommendation)
        return recommendation

    def _by_more(self, question: Question, is_stale: Callable[[], bool]) -> Iterator[tuple[Recommendation, bool]]:
        """Recommendations by more and more worlds, each with whether it is by all; that one is kept."""
        if known := self._known(question):
            yield known, True
            return
        every = len(self.findings.worlds)
        for optima in optima_by_more(question, self.findings, is_stale):
            recommendation, is_whole = recommendation_of(optima), len(optima.worlds) == every
            if is_whole:
                self.optimism = optimism_of(recommendation)
                self._answered, self._optima = (_key(question), recommendation), optima
            yield recommendation, is_whole

    def _known(self, question: Question) -> Recommendation | None:
        return self._answered[1] if self._answered and self._answered[0] == _key(question) else None

    def _opening(self) -> Mapping[str, float]:
        domains = self.findings.domains
        return {name: float(weight) for name, weight in zip(domains, self.findings.mix, strict=True)}


def _known_names(state: State, findings: Findings) -> tuple[State, list[str]]:
    """The state without families and domains that this swarm does not have, and a line for each of those."""
    kinds = (("target", "family", findings.families), ("bounds", "domain", findings.domains))
    changes: dict[str, Any] = {}
    notes: list[str] = []
    for name, kind, known in kinds:
        given: Mapping[str, Any] = getattr(state, name)
        changes[name] = {one: value for one, value in given.items() if one in known}
        notes += [f"This swarm has no {kind} {cut_short(one)}; it is left out." for one in given if one not in known]
    return replace(state, **changes), notes


def _key(question: Question) -> str:
    return question.settings.model_dump_json()


def write_address(params: Any, state: State) -> None:
    """Bring the browser's address to a state; params: marimo's `query_params()`."""
    wanted = state.params()
    for name in KEYS:
        if name not in wanted:
            params.remove(name)
        elif params.get(name) != wanted[name]:
            params.set(name, wanted[name])
