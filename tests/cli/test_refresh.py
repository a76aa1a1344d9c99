"""`refresh`: nothing changed, a little, a domain grew, one was added or taken away, and what a training has seen."""

import json
import shutil

import pytest
import yaml
from support import SAMPLE, experiment_content, here, mixwright, only_line, read_lines, said_here, write_lines

from flows.experiment import load_experiment
from flows.refresh.seen import seen_tokens


def refreshed(folder, *words: str) -> dict:
    return json.loads(mixwright("refresh", "experiment.yaml", "--json", *words, folder=folder).stdout)


def compared_with(folder, mixes: dict[str, dict[str, float]]) -> None:
    """Name mixes to compare with in the experiment file."""
    content = yaml.safe_load((folder / "experiment.yaml").read_text())
    content["recommend"]["compare"] = mixes
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))


def test_unchanged_sources_take_no_work(tiny, finished):
    before = {path.name for path in (tiny / "work" / "stages").iterdir()}
    done = refreshed(tiny)
    assert (done["verdict"], done["standing"], done["proxies"]) == ("unchanged", finished["id"], 0)
    after = {path.name for path in (tiny / "work" / "stages").iterdir()}
    assert {name for name in after - before if not name.startswith(".")} == set()
    said = mixwright("sql", "experiment.yaml", "select verdict, standing from refreshes", folder=tiny).stdout
    assert "unchanged" in said


def test_what_the_training_has_seen_counts(tiny, finished):
    loaded = load_experiment(tiny / "experiment.yaml")
    assert seen_tokens(loaded, finished["id"]) == {}
    mixwright("blend", "experiment.yaml", "one", "--tokens", "20k", folder=tiny)
    mixwright("blend", "experiment.yaml", "two", "--tokens", "10k", "--after", "one", folder=tiny)
    written = [json.loads((tiny / name / "manifest.json").read_text()) for name in ("one", "two")]
    seen = seen_tokens(loaded, finished["id"])
    assert sum(seen.values()) == sum(manifest["tokens"] for manifest in written)
    assert seen["code"] == sum(row["tokens"] for one in written for row in one["domains"] if row["domain"] == "code")


def test_a_domain_that_moved_little_trains_nothing(tiny, finished):
    more = read_lines(next((SAMPLE / "science").glob("*.zst")))[2_000:2_002]
    write_lines(tiny / "science" / "z-two-more.jsonl.zst", more)
    done = refreshed(tiny)
    assert (done["verdict"], done["standing"], done["proxies"]) == ("keep", finished["id"], 0)
    assert "No domain moved by more than 5%" in done["reason"]
    (moved,) = [one for one in done["moved"] if one["domain"] == "science"]
    assert moved["fate"] == "changed"
    assert 0 < moved["share"] < 0.05
    assert moved["tokens_now"] > moved["tokens_before"]


def test_a_domain_that_grew_is_mixed_anew(tiny, finished):
    more = read_lines(next((SAMPLE / "code").glob("*.zst")))[200:214]
    write_lines(tiny / "code" / "z-more.jsonl.zst", more)
    compared_with(tiny, {"ours": {"books": 0.5, "code": 0.5}, "as it was": finished["mix"]})
    ran = mixwright("refresh", "experiment.yaml", "--json", folder=tiny)
    done = json.loads(ran.stdout)
    assert "mix 'ours' gives 'books' 0.5, not the " in ran.stderr
    assert ran.stderr.count("of the reused proportions: not compared with") == 1
    said = mixwright("sql", "experiment.yaml", "select mix from compared_mixes where kind = 'given' and recommendation "
                     f"= '{done['recommendation']}'", "--json", folder=tiny)  # fmt: skip
    assert json.loads(said.stdout) == [{"mix": "as it was"}]
    assert done["verdict"] in ("keep", "change")
    assert 0 < done["proxies"] < 16
    moved = {one["domain"]: one for one in done["moved"]}
    assert moved["code"]["share"] > 0.05
    gain = done["advantage"]
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert (done["verdict"] == "change") == (gain["low"] > 0 and gain["value"] > gain["noise"])
    assert done["standing"] == (done["recommendation"] if done["verdict"] == "change" else finished["id"])
    frozen = [name for name in done["mix"] if name not in moved]
    ratios = {done["mix"][name] / finished["mix"][name] for name in frozen if finished["mix"][name] > 0.01}
    assert max(ratios) / min(ratios) == pytest.approx(1, abs=0.01)  # what is unchanged keeps its proportions

    again = refreshed(tiny)
    assert (again["verdict"], again["standing"], again["proxies"]) == (done["verdict"], done["standing"], 0)
    said = mixwright("sql", "experiment.yaml", "select verdict, proxies from refreshes order by number", "--json",
                     folder=tiny)  # fmt: skip
    assert [row["proxies"] for row in json.loads(said.stdout)][-2:] == [done["proxies"], 0]
    compared_with(tiny, {})


def test_a_source_that_was_taken_away(tiny, finished):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    del content["sources"]["books"]
    (tiny / "experiment.yaml").write_text(yaml.safe_dump(content))
    done = refreshed(tiny)
    assert {"domain": "books", "fate": "removed"}.items() <= next(
        one for one in done["moved"] if one["domain"] == "books"
    ).items()
    assert "books" not in done["mix_before"]
    assert sum(done["mix_before"].values()) == pytest.approx(1)


def test_a_source_that_joins_is_weighed_beside_the_earlier_runs(tiny, finished):
    """With the tokenizer of the earlier pool, whose runs can then be compared with new ones."""
    tokenizer = next((tiny / "work" / "stages").glob("pool-*/tokenizer.json"))
    content = {**experiment_content(), "work": "joined"}
    content["tokenizer"] = {"path": str(shutil.copy(tokenizer, tiny / "tokenizer.json"))}
    (tiny / "joined.yaml").write_text(yaml.safe_dump(content))
    before = json.loads(mixwright("recommend", "joined.yaml", "--json", folder=tiny).stdout)
    write_lines(tiny / "law" / "a.jsonl.zst", read_lines(SAMPLE / "law" / "00000.jsonl.zst", 60))
    content["sources"]["law"] = {"path": "law/*.jsonl.zst", "format": "jsonl", "filters": False}
    (tiny / "joined.yaml").write_text(yaml.safe_dump(content))
    done = mixwright("refresh", "joined.yaml", "--json", folder=tiny)
    result = json.loads(done.stdout)
    assert "earlier runs over" in done.stderr
    assert result["proxies"] == 2 + 3 * 2 + 3  # natural, uniform; mixes for the new domain and the rest; links
    assert result["mix_before"]["law"] == 0
    assert {name: result["mix_before"][name] for name in before["mix"]} == pytest.approx(before["mix"])
    again = json.loads(mixwright("refresh", "joined.yaml", "--json", folder=tiny).stdout)
    assert (again["verdict"], again["proxies"]) == (
        ("unchanged", 0) if result["verdict"] == "change" else (result["verdict"], 0)
    )


def test_mistakes(tiny, finished):
    assert "names no recommendation" in said_here(tiny, "refresh", "experiment.yaml", "--standing", "nosuch")
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "other.yaml").write_text(yaml.safe_dump({**content, "work": "nothing"}))
    assert "nothing to refresh" in said_here(tiny, "refresh", "other.yaml")
    (tiny / "wrong.yaml").write_text(yaml.safe_dump({**content, "refresh": {"moved": 0}}))
    assert "refresh.moved" in only_line(here("refresh", "wrong.yaml", folder=tiny))
