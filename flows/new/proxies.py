"""How large proxies are, on how many tokens and how many mixes: what fits a machine in a stated time.

Decided once and written into the experiment file as plain numbers, so that the file means the same everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from flows.errors import ExperimentError
from flows.new.machine import Machine
from mixes.errors import MixError
from mixes.proxy.cost import evaluation_flops, training_flops
from mixes.proxy.settings import SIZES, TOKENS_A_PARAMETER, ProxySettings
from mixes.swarm import SwarmSettings, draw_swarm

VOCABULARY = 2_048  # of the tokenizer that is trained by default
TOKEN_BYTES = 3.0  # of text per token of that tokenizer (measured on the sample: 100 MB are 33.5 M tokens)
LEAST_MIXES = 16  # with natural and uniform 18: cross-validation needs ten, and laws of a few domains are fitted well
FEWEST_MIXES = 12  # where time is short
MOST_MIXES = 64  # where time is left over
OF_TWO = 8  # mixes of two domains: more do not keep their distance from each other
FLATTEN = (SwarmSettings().flatten, 0.25, 0.1)  # of the natural shares; lower where domains differ in size
USUAL = 0.02  # usual weight of the smallest domain; below 0.01 a weight becomes zero
HALVINGS = 3  # of the tokens, until the mixes can be drawn
LEAST_RATIO = 3.0  # tokens per parameter below which a smaller proxy is taken (the sample's have 3.0, and rank well)
READ_ONCE = 0.7  # of the pool that a proxy reads at most, so that a mix may weigh any domain as recommendations may
ITEMS = [(110, 15)] * 890  # (tokens, scored) of the default suite's items, about (measured on the sample)
VALIDATION = 16  # sequences of each domain that a proxy is scored on
# Seconds for a pool, on one core: Prefect, block list and tokenizer; bytes of text a second (measured on the sample).
START, PREPARED = 30.0, 0.8e6
SHARE_OF_PREPARING = 0.5  # of the time; where all would take longer, a part of the shards is taken


@dataclass(frozen=True)
class Proxies:
    """What the experiment file will say of its proxies."""

    size: str
    tokens: int
    mixes: int
    proxies: int  # trained in all, replicates included
    flatten: float  # of the natural shares, as `swarm.flatten`
    device: Literal["cpu", "cuda"]
    training_hours: float
    preparing_hours: float

    @property
    def is_short(self) -> bool:
        """Whether proxies read fewer tokens than they have parameters."""
        return self.tokens < SIZES[self.size].non_embedding

    @property
    def hours(self) -> float:
        """Until the recommendation, about."""
        return self.training_hours + self.preparing_hours


def part_to_take(text_bytes: float, cores: int, hours: float) -> float:
    """The share of the corpus that can be prepared in half of the time."""
    room = max(SHARE_OF_PREPARING * 3_600 * hours - START, START) * PREPARED * cores
    return min(1.0, room / text_bytes) if text_bytes else 1.0


def preparing_hours(text_bytes: float, cores: int) -> float:
    """Hours from shards to pool."""
    return (START + text_bytes / (PREPARED * cores)) / 3_600


def choose_proxies(text_bytes: Mapping[str, float], machine: Machine, hours: float) -> Proxies:
    """The largest proxies that the time allows.

    text_bytes: domain → bytes of text that are expected in the pool.

    Raises:
        ExperimentError: the corpus is too small for a swarm.
    """
    tokens = {name: size / TOKEN_BYTES for name, size in text_bytes.items()}
    preparing = preparing_hours(sum(text_bytes.values()), machine.cores)
    seconds = max(3_600 * (hours - preparing), 0.1 * 3_600 * hours)
    mixes = max(LEAST_MIXES, 3 * len(tokens)) if len(tokens) > 2 else OF_TWO
    proxies = mixes + 2 + 3 * (3 - 1)  # natural and uniform; three mixes in three seeds
    flatten = _flatten(tokens)
    most = min(READ_ONCE * sum(tokens.values()), _room(tokens, flatten))
    size, count = _largest(machine, len(tokens), proxies, seconds, most)
    if mixes == LEAST_MIXES and _seconds(machine, _settings(machine, size, count), len(tokens), proxies) > seconds:
        mixes, proxies = FEWEST_MIXES, proxies + FEWEST_MIXES - LEAST_MIXES
    chosen = _drawable(tokens, size, count, SwarmSettings(mixes=mixes, flatten=flatten))
    used = _seconds(machine, _settings(machine, size, chosen), len(tokens), proxies)
    has_room = len(tokens) > 2 and 2 * chosen <= _room(tokens, flatten)
    spare = int(min(MOST_MIXES, mixes * seconds / used)) if has_room else mixes
    if spare > mixes and _can_draw(tokens, chosen, SwarmSettings(mixes=spare, flatten=flatten)):
        proxies, mixes = proxies + spare - mixes, spare
        used = _seconds(machine, _settings(machine, size, chosen), len(tokens), proxies)
    device = cast(Literal["cpu", "cuda"], machine.device)
    return Proxies(size, chosen, mixes, proxies, flatten, device, used / 3_600, preparing)


def _settings(machine: Machine, size: str, tokens: int) -> ProxySettings:
    return ProxySettings(size=size).model_copy(update={"tokens": tokens, "device": machine.device})


def _seconds(machine: Machine, settings: ProxySettings, domains: int, proxies: int) -> float:
    """Seconds until all proxies are trained and scored."""
    scoring = evaluation_flops(settings, VOCABULARY, ITEMS, VALIDATION * domains)
    each = training_flops(settings, VOCABULARY) + scoring
    return proxies * each / machine.speed(settings, VOCABULARY, proxies)


def _largest(machine: Machine, domains: int, proxies: int, seconds: float, most: float) -> tuple[str, int]:
    """The largest size that can train on LEAST_RATIO tokens per parameter, and its tokens."""
    for size, shape in reversed(SIZES.items()):
        least = round(LEAST_RATIO * shape.non_embedding)
        ceiling = min(most, TOKENS_A_PARAMETER * shape.non_embedding)
        if ceiling >= least and _seconds(machine, _settings(machine, size, least), domains, proxies) <= seconds:
            one = _seconds(machine, _settings(machine, size, least), domains, proxies) / least
            return size, int(min(ceiling, seconds / one))
    size = next(iter(SIZES))
    return size, int(min(most, LEAST_RATIO * SIZES[size].non_embedding))


def _flatten(tokens: Mapping[str, float]) -> float:
    """The power of the natural shares at which even the smallest domain is usually in a mix."""
    for flatten in FLATTEN:
        flattened = [count**flatten for count in tokens.values()]
        if min(flattened) / sum(flattened) >= min(USUAL, 0.5 / len(tokens)):
            break
    return flatten


def _room(tokens: Mapping[str, float], flatten: float) -> float:
    """Tokens of a proxy at which mixes still differ: the small domains' caps allow twice their usual weights, and all
    domains but the largest may weigh a half together."""
    epochs = SwarmSettings().max_epochs
    flattened = sum(count**flatten for count in tokens.values())
    usual = min(epochs * count / min(1.0, 2 * count**flatten / flattened) for count in tokens.values())
    return min(usual, 2 * epochs * (sum(tokens.values()) - max(tokens.values())))


def _drawable(tokens: Mapping[str, float], size: str, count: int, swarm: SwarmSettings) -> int:
    """As many tokens as that, in whole steps, or as many as let the mixes be drawn."""
    step = ProxySettings(size=size).batch * ProxySettings(size=size).context
    for halving in range(HALVINGS):
        whole = (count >> halving) // step * step
        if whole and _can_draw(tokens, whole, swarm):
            return whole
    raise ExperimentError(
        f"new: the smallest domain, {min(tokens, key=lambda name: tokens[name])!r}, holds about "
        f"{min(tokens.values()):,.0f} tokens, too few to train proxies on — give more text of it, at least 100 kB"
    )


def _can_draw(tokens: Mapping[str, float], count: int, swarm: SwarmSettings) -> bool:
    try:
        draw_swarm(tokens, count, swarm, 0)
    except MixError:
        return False
    return True
