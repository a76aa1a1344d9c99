"""What a swarm costs, by arithmetic alone: FLOPs, seconds, bytes. Does not import torch.

A multiplication with its addition is two FLOPs, and only matrix products are counted, as PaLM's appendix B does
(arXiv 2204.02311): attention as full squares, whatever a kernel leaves out of their upper halves, and nothing for
what is computed anew on the way back. tests/test_plan.py holds it against torch's own counter on the real model.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mixes.proxy.settings import ProxySettings, Shape

BACKWARD = 2  # products of the backward pass per product of the forward pass: one by the weight, one by the input
WEIGHT = 4  # bytes of an fp32 number
STATES = 3  # numbers per parameter in a checkpoint: the weight and AdamW's two averages
# Bytes of a run's records, measured on the sample's 35 runs (896 items of 14 tasks, 9 domains): 13,074 of items,
# 2,899 of scores, 7,733 of the row in runs, nearly all of it Parquet's own head and foot.
ITEM_BYTES = 15
RUN_BYTES = 10_632


@dataclass(frozen=True)
class Parameters:
    """Parameter counts of one proxy."""

    non_embedding: int  # what its size is named by
    embedding: int  # with the head, where it is not tied
    norms: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.non_embedding + self.embedding + self.norms


def count_parameters(settings: ProxySettings, vocabulary: int) -> Parameters:
    """Parameters of one proxy; vocabulary: tokens of the tokenizer."""
    shape = settings.shape
    tables = 1 if settings.tied else 2
    return Parameters(shape.non_embedding, tables * vocabulary * shape.width, (4 * shape.layers + 1) * shape.width)


def forward_flops(shape: Shape, vocabulary: int, length: int, scored: int) -> int:
    """FLOPs of the forward pass on a sequence of `length` tokens, of which `scored` meet the head.

    2 · length · weights, 4 · layers · length² · width for queries by keys and their shares by values, and
    2 · scored · vocabulary · width.
    """
    attention = 4 * shape.layers * length**2 * shape.width
    return 2 * length * shape.non_embedding + attention + 2 * scored * vocabulary * shape.width


def trained_tokens(settings: ProxySettings) -> int:
    """Tokens that one proxy trains on, in whole batches."""
    return settings.steps * settings.batch * settings.context


def token_flops(settings: ProxySettings, vocabulary: int) -> float:
    """FLOPs of training on one token, a mean over its sequence."""
    sequence = forward_flops(settings.shape, vocabulary, settings.context, settings.context)
    return (1 + BACKWARD) * sequence / settings.context


def training_flops(settings: ProxySettings, vocabulary: int) -> int:
    """FLOPs of training one proxy, from its first step to its last."""
    return round(trained_tokens(settings) * token_flops(settings, vocabulary))


def evaluation_flops(settings: ProxySettings, vocabulary: int, items: Iterable[tuple[int, int]], sequences: int) -> int:
    """FLOPs of scoring one proxy on items (tokens, of them scored) and on whole `sequences` of validation.

    Padding is left out; it is a few percent, as items of about the same length share a batch.
    """
    shape, context = settings.shape, settings.context
    of_items = sum(forward_flops(shape, vocabulary, tokens - 1, scored) for tokens, scored in items)
    return of_items + sequences * forward_flops(shape, vocabulary, context, context)


def swarm_seconds(proxies: int, flops: int, speed: float, workers: int) -> float:
    """Seconds until all proxies are trained and scored: `flops` per proxy, `speed` FLOPs per second and worker.

    Workers share the proxies as equally as whole proxies can be. Scoring takes a few percent of the time, and is
    assumed to be as fast as training.
    """
    return math.ceil(proxies / workers) * flops / speed


@dataclass(frozen=True)
class Disk:
    """Bytes of a swarm, without its pool."""

    records: int  # kept
    checkpoints: int  # at most, while it trains; none where a cohort ends before the first
    models: int  # kept, where keep_models asks for them

    @property
    def most(self) -> int:
        """At one time."""
        return self.records + self.checkpoints + self.models


def swarm_disk(
    settings: ProxySettings, vocabulary: int, proxies: int, items: int, at_once: int, seconds: float
) -> Disk:
    """Bytes of `proxies` that are scored on `items` each, `at_once` of them in training, which takes `seconds`.

    A checkpoint is written beside the one that it replaces, so there are two for a moment.
    """
    weights = WEIGHT * count_parameters(settings, vocabulary).total
    checkpoint = STATES * weights + WEIGHT * settings.steps
    return Disk(
        records=proxies * (RUN_BYTES + ITEM_BYTES * items),
        checkpoints=2 * at_once * checkpoint if seconds > settings.checkpoint_seconds else 0,
        models=proxies * weights if settings.keep_models else 0,
    )
