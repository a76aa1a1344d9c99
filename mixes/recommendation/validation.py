"""Validation: mixes trained anew, larger and with several seeds, compared with what a recommendation predicted.

Proxies are compared seed by seed. Two proxies of one seed start from the same weights and read each domain in the same
order, so what a seed does to every mix alike cancels. All intervals are Student's t over seeds, at 90 %.

The token multiplier is how many times fewer tokens the recommended mix needs to reach natural's final score. The
recommended mix's curve over tokens comes from runs of T, T/2 and T/4 tokens, each with its own whole schedule. A point
inside one long run would cost nothing, but its learning rate is not decayed yet, so it scores worse than a run that
ends there, and a multiplier read from it is only a lower bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from pydantic import ValidationError

from mixes.certainty.intervals import Gain
from mixes.certainty.verdict import Verdict
from mixes.errors import MixError
from mixes.proxy.settings import SIZES, ProxySettings
from mixes.recommendation.result import Recommendation
from mixes.swarm import Candidate, rounded_weights
from mixes.target import OVERALL

COVERAGE = 0.9
PARTS = (1, 2, 4)  # the recommended mix trains on T, T/2 and T/4 tokens; multipliers lie between 1 and the last
FINE = 1_000  # places a doubling of tokens where a multiplier's interval is looked for, linear between them
FIRST_SEED = 1_000  # far from the swarm's seeds, so that no law is judged by runs that it was fitted to
NATURAL, UNIFORM, RECOMMENDED = "natural", "uniform", "recommended"

Truth = Literal["true", "not_shown", "false"]
Agreement = Literal["inside", "overlaps", "apart"]


class Trial(NamedTuple):
    """One proxy that is trained anew."""

    mix: str
    part: int  # of the tokens, from PARTS
    seed: int


@dataclass(frozen=True)
class Estimate:
    """A value and its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Compared:
    """The target, or one family: bpb means over seeds, what was gained, what had been predicted, what came true.

    multiplier: clipped to what the budgets span, so 1 says 1 or less and 4 says 4 or more, at the interval's ends too.
    """

    natural: Estimate
    uniform: Estimate
    recommended: Estimate
    half: Estimate  # the recommended mix on half of the tokens
    quarter: Estimate
    gain: Estimate  # natural − recommended, paired by seed: more is better
    multiplier: Estimate
    predicted: Estimate  # gain, for the swarm's size and tokens
    agreement: Agreement  # the gain lies in its predicted interval; or only its own interval touches that; or neither
    verdict: Verdict  # of the recommendation
    measured: Verdict  # better or worse where the gain's interval leaves out zero
    came_true: Truth | None  # None where the verdict is not_distinguishable
    at_size: Estimate | None = None  # gain predicted for the validation's own size, where runs of two other sizes are
    at_size_agreement: Agreement | None = None  # of the measured gain with that


@dataclass(frozen=True)
class Repeats:
    """The domain that a mix repeats most."""

    domain: str
    epochs: float


@dataclass(frozen=True)
class Validation:
    """Everything `mixwright validate --json` prints."""

    id: str
    recommendation: str
    size: str
    tokens: int  # of one proxy, T
    seeds: tuple[int, ...]
    swarm_size: str  # of the proxies that the predictions are for
    swarm_tokens: int
    repeats: dict[str, Repeats]  # by mix, at T tokens
    compared: dict[str, Compared]  # target and families


def budgets(swarm: ProxySettings, size: str | None, multiple: float) -> dict[int, ProxySettings]:
    """Part of the tokens → settings of its proxies, `multiple` times the swarm's tokens at part 1.

    size: None is the next size on the ladder; it is the swarm's own size with `init_from`, whose shape is given, and at
    the ladder's end. What the experiment leaves to the rules (batch, rate, warm-up) follows the new size and tokens. T
    is rounded down to a multiple of four batches, so that its parts are exact.

    Raises:
        MixError: an unknown size, another size than that of `init_from`, no number, or too few tokens.
    """
    ladder = list(SIZES)
    if size is None:
        place = ladder.index(swarm.size)
        size = swarm.size if swarm.init_from else ladder[min(place + 1, len(ladder) - 1)]
    if size not in SIZES:
        raise MixError(f"validate: `size` {size!r} is not on the ladder — take one of {', '.join(ladder)}")
    if swarm.init_from and size != swarm.size:
        raise MixError(
            f"validate: `size` {size} cannot start from proxy.init_from, which is {swarm.size} — leave `size` out"
        )
    if not 0 < multiple < float("inf"):
        raise MixError(f"validate: `multiple` {multiple} is no number of times — write for example 2.0")
    stated = {**swarm.model_dump(exclude_unset=True), "size": size}
    tokens = int(multiple * swarm.tokens)
    try:
        whole = ProxySettings(**{**stated, "tokens": tokens})
        least = whole.steps // PARTS[-1] * whole.batch * whole.context
        return {part: ProxySettings(**{**stated, "tokens": least * PARTS[-1] // part}) for part in PARTS}
    except ValidationError:
        raise MixError(
            f"validate: {tokens:,} tokens are fewer than {PARTS[-1]} batches at size {size} — raise `multiple`"
        ) from None


def plan_trials(natural: Mapping[str, float], mix: Mapping[str, float], seeds: int) -> dict[int, list[Candidate]]:
    """Part of the tokens → its proxies: all three mixes on the whole, the recommended mix on every part."""
    uniform = dict.fromkeys(mix, 1 / len(mix))
    weights = {NATURAL: natural, UNIFORM: uniform, RECOMMENDED: mix}
    rounded = {name: rounded_weights(exact) for name, exact in weights.items()}
    return {
        part: [
            Candidate(name, rounded_mix, FIRST_SEED + seed)
            for name, rounded_mix in rounded.items()
            if part == 1 or name == RECOMMENDED
            for seed in range(seeds)
        ]
        for part in PARTS
    }


def most_repeated(candidates: Sequence[Candidate], pool_tokens: Mapping[str, int], tokens: int) -> dict[str, Repeats]:
    """Mix → the domain that it repeats most when it trains on `tokens`; pool_tokens: domain → its tokens."""
    repeats = {}
    for mix, weights in {candidate.mix: candidate.weights for candidate in candidates}.items():
        epochs = {name: weight * tokens / pool_tokens[name] for name, weight in weights.items()}
        domain = max(epochs, key=epochs.__getitem__)
        repeats[mix] = Repeats(domain, epochs[domain])
    return repeats


def compare(
    recommendation: Recommendation,
    scores: Mapping[Trial, Mapping[str, float]],
    at_size: Mapping[str, Gain] | None = None,
) -> dict[str, Compared]:
    """Target and families, from the trials' scores (task → bpb); at_size: the gains predicted for the trials' size.

    Raises:
        MixError: fewer than two seeds.
    """
    seeds = sorted({trial.seed for trial in scores})
    if len(seeds) < 2:
        raise MixError(
            f"validate: {len(seeds)} seed(s) can be compared, an interval needs two — raise `seeds` or lower `size`"
        )
    aims = {OVERALL: recommendation.target, **recommendation.families}
    compared = {name: _compare(recommendation, name, aim, scores, seeds) for name, aim in aims.items()}
    return {name: _with_own_size(row, (at_size or {}).get(name)) for name, row in compared.items()}


def _with_own_size(compared: Compared, gain: Gain | None) -> Compared:
    if gain is None:
        return compared
    predicted = Estimate(gain.value, gain.low, gain.high)
    return replace(compared, at_size=predicted, at_size_agreement=agreement_of(predicted, compared.gain))


def _compare(
    recommendation: Recommendation,
    name: str,
    aim: Mapping[str, float],
    scores: Mapping[Trial, Mapping[str, float]],
    seeds: Sequence[int],
) -> Compared:
    def bpb(mix: str, part: int = 1) -> np.ndarray:  # (n_seeds,)
        rows = [scores[Trial(mix, part, seed)] for seed in seeds]
        return np.array([sum(weight * row[task] for task, weight in aim.items()) for row in rows])

    natural, curve = bpb(NATURAL), np.array([bpb(RECOMMENDED, part) for part in PARTS])
    full, half, quarter = curve
    gain, row = mean_interval(natural - full), recommendation.predicted[name]
    predicted = Estimate(row.gain, row.gain_low, row.gain_high)
    called, measured = recommendation.verdict[name], _measured(gain)
    return Compared(
        natural=mean_interval(natural),
        uniform=mean_interval(bpb(UNIFORM)),
        recommended=mean_interval(full),
        half=mean_interval(half),
        quarter=mean_interval(quarter),
        gain=gain,
        multiplier=token_multiplier(natural, curve),
        predicted=predicted,
        agreement=agreement_of(predicted, gain),
        verdict=called,
        measured=measured,
        came_true=truth_of(called, measured),
    )


def mean_interval(values: np.ndarray) -> Estimate:
    """Mean of (n_seeds,) and Student's interval of it, n_seeds − 1 degrees of freedom."""
    half = float(_half_width(values))
    mean = float(values.mean())
    return Estimate(mean, mean - half, mean + half)


def token_multiplier(natural: np.ndarray, curve: np.ndarray) -> Estimate:
    """How many times fewer tokens the recommended mix needs for natural's final score.

    natural: bpb (n_seeds,) on T tokens; curve: bpb (n_parts, n_seeds) of the recommended mix on T ÷ PARTS, the same
    seeds. Each seed's curve is linear in log tokens between the parts. The value is the smallest m at which the mean
    gain of T/m recommended over T natural tokens is gone; the interval holds every m at which Student's interval of
    that gain takes in zero (as Fieller 1954 does for a ratio). So its lower end is above 1 exactly where the gain's
    own is above 0, and seeds beyond the ends, which have no multiplier of their own, count too. Clipped to 1 and
    PARTS[-1]: nothing is extrapolated.
    """
    logs = np.log(PARTS)
    places = np.linspace(0, logs[-1], FINE * (len(PARTS) - 1) + 1)  # log m; every part is one of them
    gains = np.array(
        [own - np.interp(places, logs, line) for own, line in zip(natural, curve.T, strict=True)]
    )  # (n_seeds, n_places)
    mean, half = gains.mean(axis=0), _half_width(gains)
    ends = (_first_below(places, mean), _first_below(places, mean - half), _last_above(places, mean + half))
    return Estimate(*(float(np.exp(end)) for end in ends))


def truth_of(called: Verdict, measured: Verdict) -> Truth | None:
    """Whether a verdict came true; None for `not_distinguishable`, which predicts nothing."""
    if called == "not_distinguishable":
        return None
    if measured == "not_distinguishable":
        return "not_shown"
    return "true" if called == measured else "false"


def agreement_of(predicted: Estimate, gain: Estimate) -> Agreement:
    """Whether a measured gain agrees with the predicted one, within their intervals."""
    if predicted.low <= gain.value <= predicted.high:
        return "inside"
    return "overlaps" if gain.low <= predicted.high and predicted.low <= gain.high else "apart"


def _measured(gain: Estimate) -> Verdict:
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "not_distinguishable"


def _half_width(values: np.ndarray) -> np.ndarray:
    """Half width of the interval of the mean over the first axis, seeds."""
    from scipy.special import stdtrit  # slow to import

    seeds = len(values)
    quantile = stdtrit(seeds - 1, (1 + COVERAGE) / 2)
    return np.asarray(quantile * values.std(axis=0, ddof=1) / np.sqrt(seeds))


def _first_below(places: np.ndarray, values: np.ndarray) -> float:
    """Where values, linear between places, first fall below zero; the first place or the last, if not between."""
    below = values < 0
    if below[0] or not below.any():
        return float(places[0] if below[0] else places[-1])
    after = int(below.argmax())
    share = values[after - 1] / (values[after - 1] - values[after])
    return float(places[after - 1] + share * (places[after] - places[after - 1]))


def _last_above(places: np.ndarray, values: np.ndarray) -> float:
    """Where values, linear between places, are last above zero; likewise."""
    return -_first_below(-places[::-1], -values[::-1])
