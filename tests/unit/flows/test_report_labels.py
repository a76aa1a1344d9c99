"""Names of rows stay short, and apart."""

from flows.report.marks import _labels
from flows.report.words import (
    amount,
    closed,
    counted,
    in_bytes,
    interval,
    listed,
    percent,
    power,
    shortened,
    signed,
    thousandths,
)


def test_names_that_look_alike_are_cut_to_what_tells_them_apart():
    names = [f"web/topic_{number:02d}_with_a_rather_long_name" for number in range(64)] + ["code"]
    labels = _labels(names, 20)
    assert len(set(labels.values())) == 65
    assert all(len(label) <= 20 for label in labels.values())
    assert all(f"_{number:02d}_" in labels[name] for number, name in enumerate(names[:-1]))
    assert _labels(["code", "web"], 20) == {}


def test_numbers():
    assert [percent(share) for share in (0.0, 1e-7, 2e-5, 0.004, 0.213, 1.0)] == [
        "0.0%", "0%", "<0.01%", "0.40%", "21.3%", "100.0%",
    ]  # fmt: skip
    assert [amount(value) for value in (6e12, 33.5e6, 419_000, 12)] == ["6T", "33.5M", "419k", "12"]
    assert [in_bytes(value) for value in (4.6e9, 120)] == ["4.6 GB", "120 B"]
    assert power(3.4e13) == "3.4 × 10¹³"
    assert [signed(value) for value in (0.1604, -0.0001, -0.02)] == ["+0.160", "0.000", "−0.020"]
    assert interval(-0.046, 0.0281) == "−0.046 to +0.028"
    assert thousandths(0.0058, "bpb") == "5.8 thousandths of bpb"
    assert closed("chance over 99 %, and 90 % of it") == "chance over 99%, and 90% of it"
    assert [counted(1, "task"), counted(1200, "task"), counted(2, "family", "families")] == [
        "1 task", "1,200 tasks", "2 families",
    ]  # fmt: skip
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert shortened("mmlu_high_school_geography", 12) == "mmlu_…graphy"
