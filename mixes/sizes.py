"""Sizes as people write them: `1B:20B` is 1e9 parameters and 20e9 tokens of training."""

from collections.abc import Sequence

import numpy as np

from mixes.budget import parse_tokens
from mixes.errors import MixError, cut_short
from mixes.runs import Size

ALIKE = 0.2  # ln units within which tokens per parameter are one ratio, and a size is one that runs have


def parse_count(text: str) -> float:
    """`60M`, `1.2B`, `1_000_000` or a plain number.

    Raises:
        MixError: anything else.
    """
    return float(parse_tokens(text))


def size_at(text: str, sizes: Sequence[Size | None]) -> Size:
    """The size that `--at` names: parameters:tokens, or parameters alone where the runs' `sizes` say the tokens.

    Raises:
        MixError: it is no size, the runs have none, or the tokens cannot be known.
    """
    first, colon, second = text.partition(":")
    try:
        parameters, tokens = parse_count(first), parse_count(second) if colon else 0.0
    except MixError:
        raise MixError(
            f"at {cut_short(text)}: is no size — write parameters:tokens, for example 1B:20B, or 1B"
        ) from None
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        raise MixError(
            f"at {text}: {'some' if known else 'the'} runs have no size — add the columns 'parameters' (or 'size') and "
            "'tokens' to the table of mixes"
        )
    if not any(size.tokens for size in known):
        if colon:
            raise MixError(
                f"at {text}: names tokens, and the runs have none — add a column 'tokens', or ask for {first}"
            )
        return Size(parameters, 0.0)
    return Size(parameters, tokens or _tokens_of(parameters, known, text))


def _tokens_of(parameters: float, known: Sequence[Size], text: str) -> float:
    """The tokens that a size of these parameters has, as the runs have them."""
    alike = {size.tokens for size in known if abs(np.log(size.parameters / parameters)) < 0.01}
    if len(alike) == 1:
        return alike.pop()
    ratios = np.log([size.tokens / size.parameters for size in known])
    if np.ptp(ratios) <= ALIKE:
        return float(f"{parameters * np.exp(ratios.mean()):.3g}")
    if np.ptp(np.log([size.tokens for size in known])) <= ALIKE:
        return known[0].tokens
    usual = Size(parameters, float(parameters * np.exp(np.median(ratios))))
    raise MixError(
        f"at {text}: the runs have {np.exp(ratios.min()):.3g} to {np.exp(ratios.max()):.3g} tokens per parameter, so "
        f"the tokens have to be named too — for example {usual}"
    )


def of_size(sizes: Sequence[Size | None], wanted: Size) -> np.ndarray:
    """(n,) whether each is the wanted size: the same parameters, and tokens that differ by less than a fifth."""
    near = np.log(1 + ALIKE)
    return np.array([
        size is not None and abs(np.log(size.parameters / wanted.parameters)) < 0.01
        and abs(np.log((size.tokens or 1.0) / (wanted.tokens or 1.0))) < near
        for size in sizes
    ])  # fmt: skip
