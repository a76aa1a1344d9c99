"""Names of rows stay short, and apart; names of a table's columns and words may break where they should."""

from flows.report.html import table
from flows.report.labels import cut, short_labels
from flows.report.words import (
    amount,
    closed,
    counted,
    in_bytes,
    interval,
    listed,
    percent,
    power,
    signed,
    thousandths,
)  # fmt: skip

TASKS = [
    *(f"mmlu_{name}:rc::olmes" for name in (
        "high_school_macroeconomics", "high_school_microeconomics", "professional_medicine", "college_medicine",
        "jurisprudence", "high_school_european_history")),
    "lambada", "mt_mbpp_v2fix:typescript", "mt_mbpp_v2fix:javascript",
]  # fmt: skip


def test_names_that_look_alike_are_cut_to_what_tells_them_apart():
    names = [f"web/topic_{number:02d}_with_a_rather_long_name" for number in range(64)] + ["code"]
    labels = short_labels(names, 20)
    assert len(set(labels.values())) == 65
    assert all(len(label) <= 20 for label in labels.values())
    assert all(f"{number:02d}_" in labels[name] for number, name in enumerate(names[:-1]))
    assert short_labels(["code", "web"], 20) == {}


def test_a_thousand_names_stay_apart():
    names = [f"a_crawl/domain_number_{number:04d}_of_a_thousand" for number in range(1000)]
    assert len(set(short_labels(names, 20).values())) == 1000


def test_an_ending_that_tasks_share_goes_first():
    labels = short_labels(TASKS, 20)
    assert len(set(labels.values())) == len(TASKS)
    assert all(len(label) <= 20 for label in labels.values())
    assert not any("olmes" in label for label in labels.values())
    assert labels["mmlu_jurisprudence:rc::olmes"] == "mmlu_jurisprudence"
    assert labels["mmlu_high_school_macroeconomics:rc::olmes"] == "mmlu_…macroeconomics"
    assert labels["lambada"] == "lambada"
    assert labels["mt_mbpp_v2fix:typescript"].endswith("typescript")


def test_an_ending_that_tells_tasks_apart_stays():
    names = ["a_long_name_of_a_task:greedy", "a_long_name_of_a_task:sampled", "another_long_name_of_it:greedy"]
    labels = short_labels(names, 22)
    assert len(set(labels.values())) == 3
    assert labels[names[0]].endswith("greedy")
    assert labels[names[1]].endswith("sampled")


def test_a_cut_keeps_the_beginning_and_the_end():
    assert cut("electronics_and_hardware", 20) == "electr…_and_hardware"
    assert cut("code", 3) == "c…e"
    assert len(cut("x" * 50, 12)) == 12


def test_columns_have_their_names_on_a_phone():
    rows = [["domain", "natural", "it's 90 %", "cap", "</style>"], ["a", "1", "2", "3", "4"]]
    html = table(rows)
    assert '<div class="table many"><table style="' in html
    assert "--c2:'natural';--c3:'it\\27 s 90 %';--c4:'cap';" in html
    assert "</style>" not in html
    assert "many" not in table([row[:4] for row in rows])


def test_long_words_break_after_a_separator_only():
    html = table([["what"], ["recommendation"], ["mmlu_high_school_geography:rc::olmes"], ["<" * 30]])
    assert "recommendation</td>" in html
    assert "mmlu_<wbr>high_<wbr>school_<wbr>geography:<wbr>rc::<wbr>olmes" in html
    assert html.count("&lt;") == 30


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
