"""Counts of tokens are read from CSV and YAML, as people and Olmix write them."""

import pytest

from flows.errors import INPUT_ERRORS
from mixes.tables.read import read_tokens


def test_tokens_of_both_forms(tmp_path):
    (tmp_path / "tokens.csv").write_text("domain,tokens\narxiv,21377485731\ndclm,6e8\n")
    (tmp_path / "priors.yaml").write_text("priors:\n  token_counts: {arxiv: 21377485731, dclm: 600000000}\n")
    assert read_tokens(tmp_path / "tokens.csv") == read_tokens(tmp_path / "priors.yaml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tokens.csv", 'domain,tokens\na,3T\nb,1_000_000\nc,1.5e12\nd,"2,500,000"\n'),
        ("tokens.csv", 'domain,tokens\na,"3 T"\nb,"1000000"\nc,1.5t\nd,2.5M tokens\n'),
        ("tokens.yaml", "a: 3T\nb: 1_000_000\nc: 1.5e12\nd: '2500000'\n"),
        ("tokens.yaml", "token_counts: {a: 3T, b: '1_000_000', c: 1.5e12, d: 2.5M}\n"),
        ("priors.yml", "priors:\n  relative_sizes: {a: 1}\n  token_counts: {a: 3T, b: 1M, c: 1.5e+12, d: 2500K}\n"),
        ("meta.json", '{"token_counts": {"a": 3e12, "b": 1000000, "c": 1.5e12, "d": "2_500_000"}}'),
    ],
)
def test_counts_of_tokens_as_people_write_them(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_tokens(tmp_path / name) == {"a": 3e12, "b": 1e6, "c": 1.5e12, "d": 2.5e6}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("domain,tokens\na,1\na,2\n", "row 2: domain 'a' appears twice"),
        ("domain,tokens\na,0\n", "tokens of 'a' are 0.0, not a positive number"),
        ("domain,tokens\na,many\n", "tokens of 'a' are 'many'"),
        ('domain,tokens\na,"1,5"\n', "tokens of 'a' are '1,5', not a positive number"),
        ("domain,tokens\na,1\nb,3X\n", "row 2: tokens of 'b' are '3X', .* write for example 3T"),
        ("domain,count\na,1\n", "no column 'tokens'"),
    ],
)
def test_bad_tokens(tmp_path, text, said):
    (tmp_path / "tokens.csv").write_text(text)
    with pytest.raises(INPUT_ERRORS, match=said):
        read_tokens(tmp_path / "tokens.csv")
