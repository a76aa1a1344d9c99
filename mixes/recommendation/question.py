"""What is asked of a swarm: the one value that the caller passes to every function that answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mixes.budget import budget_tokens, epoch_caps
from mixes.errors import MixError
from mixes.optimum.from_settings import matching
from mixes.optimum.holdings import Holdings
from mixes.recommendation.compared import compared_over
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Runs, Size
from mixes.target import OVERALL, check_names


@dataclass(frozen=True)
class Question:
    """Which mix is best for `settings.target`, by the scores of `runs`.

    Args:
        runs: the swarm's runs, as they were scored.
        families: task → family.
        holdings: the natural mix, the tokens that can be had, and caps.
        settings: target, budget, limits, law, and the coverage of intervals.
        seed: of folds, imagined worlds and searches.
        seeds: run → the seed that its proxy was trained with, where it is known.
        checkpoint: task → bpb of the checkpoint that all proxies started from, untrained. What is forgotten and what
            `limits.keep` allows are counted from these scores. None where proxies start from their seeds.
        evidence: name → hash of what the answer rests on; the answer repeats it.
        at: the size of the proxies that the answer is for, where `runs` have several; None: they have one.

    Raises:
        MixError: a name means two things, or a budget is given without available tokens.

    Example:
        question = Question(runs, {"humaneval": "code", "sciq": "knowledge"}, Holdings(natural, available))
    """

    runs: Runs
    families: Mapping[str, str]
    holdings: Holdings = field(default_factory=Holdings)
    settings: RecommendSettings = field(default_factory=RecommendSettings)
    seed: int = 0
    seeds: Mapping[str, int] = field(default_factory=dict)
    checkpoint: Mapping[str, float] | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    at: Size | None = None

    def __post_init__(self) -> None:
        for name in sorted({*self.families, *self.families.values()}):
            tasks = [task for task, family in self.families.items() if family == name]
            if name == OVERALL or (name in self.families and tasks not in ([], [name])):
                raise MixError(f"suite: {name!r} names two things, of task, family and {OVERALL!r} — rename one")
        if self.settings.budget and not self.holdings.available:
            raise MixError("`budget`: epochs can only be counted with `tokens` — name a file of domain,tokens")
        self._check_settings()

    def _check_settings(self) -> None:
        """What is wrong with the names that are asked for shows before laws are fitted, which may take minutes."""
        limits, domains = self.settings.limits, self.runs.domains
        check_names(self.settings.target, limits.keep, self.families)
        for limit, patterns in (("bounds", limits.bounds), ("epochs", limits.epochs)):
            for pattern in patterns:
                matching(pattern, domains, limit)
        compared_over(domains, self.settings.compare, {})
        available, budget = self.holdings.available, self.budget
        if available and budget and not limits.epochs:
            epoch_caps(available, budget, self.settings.max_epochs)

    @property
    def compared(self) -> dict[str, dict[str, float]]:
        """Name → a mix of the user's own, over the swarm's domains."""
        return compared_over(self.runs.domains, self.settings.compare, self.holdings.natural or {})

    @property
    def budget(self) -> float | None:
        """Tokens of the training run: as the settings state them, else every available token once; None where the
        available tokens are unknown."""
        available = self.holdings.available
        return budget_tokens(self.settings.budget, available) if available else None

    def within(self, caps: Mapping[str, float]) -> "Question":
        """The same question, its answer also within `caps`: domain → largest weight."""
        own = self.holdings.caps or {}
        tighter = {name: min(cap, own.get(name, 1.0)) for name, cap in caps.items()}
        return replace(self, holdings=replace(self.holdings, caps=tighter))
