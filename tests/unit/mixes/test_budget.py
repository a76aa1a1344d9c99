"""Budgets as people write them, and the epoch caps that follow."""

import pytest

from mixes.budget import epoch_caps, parse_tokens
from mixes.errors import MixError


def test_epoch_caps():
    assert epoch_caps({"a": 10, "b": 90}, budget=100, max_epochs=2) == {"a": 0.2, "b": 1.0}
    with pytest.raises(MixError, match=r"300 are missing; lower `budget` to 200 or raise `max_epochs` to 5"):
        epoch_caps({"a": 10, "b": 90}, budget=500, max_epochs=2)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("6T", 6 * 10**12),
        ("300b", 3 * 10**11),
        ("1.5M", 1_500_000),
        ("1_000", 1000),
        ("6e12", 6 * 10**12),
        ("1.5e3K", 1_500_000),
    ],
)
def test_budgets(text, tokens):
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize("text", ["", "6X", "-3B", "0", "many"])
def test_a_budget_that_is_none(text):
    with pytest.raises(MixError, match="not a number of tokens"):
        parse_tokens(text)
