"""A source joins: the earlier recommendation's proportions are kept, its buckets repeat by quality, all on record."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from support import SAMPLE, mixwright, read_lines, said_here, write_lines

from flows.errors import INPUT_ERRORS, ExperimentError
from flows.experiment import load_experiment
from flows.settings.check import check_on_pool
from flows.settings.reuse import describe_plan, reuse_plan
from mixes.errors import MixError
from mixes.reuse.plan import ReusePlan
from mixes.upsampling import UpsamplingSettings
from pipeline.pool.content_hash import bucket_tokens, domain_contents
from pipeline.pool.pool import Pool
from pipeline.store.stage import StageStore


@pytest.fixture(scope="module")
def joined(tiny, finished) -> dict:
    """The experiment with the source `law`, reusing what was found without it."""
    shutil.copytree(tiny / "work", tiny / "joined")  # stages that nothing changes are skipped
    (tiny / "first.json").write_text(json.dumps(finished))
    write_lines(tiny / "law" / "a.jsonl.zst", read_lines(SAMPLE / "law" / "00000.jsonl.zst", 60))
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"]["law"] = {"path": "law/*.jsonl.zst", "format": "jsonl", "filters": False}
    content["recommend"]["compare"] = {"as it was": finished["mix"]}  # none of it is law
    more = {
        "work": "joined",
        "reuse": {"recommendation": "first.json"},
        "upsampling": {},
        "swarm": {"max_epochs": 8, "seeds": 2},
    }
    (tiny / "joined.yaml").write_text(yaml.safe_dump(content | more))
    done = mixwright("recommend", "joined.yaml", "--json", folder=tiny)
    return json.loads(done.stdout)


def test_old_proportions_are_kept_and_the_new_domain_is_open(finished, joined):
    assert set(joined["mix"]) == {*finished["mix"], "law"}
    rest = 1 - joined["mix"]["law"]
    for domain, weight in finished["mix"].items():
        assert joined["mix"][domain] == pytest.approx(rest * weight, abs=1e-6)
        low, high = joined["intervals"][domain]
        assert low <= joined["mix"][domain] <= high
    assert 0 < joined["natural"]["law"] < 1
    assert sum(joined["natural"].values()) == pytest.approx(1)


def test_a_mix_in_the_old_proportions_is_compared_with(finished, joined):
    (row,) = [row for row in joined["beside"] if row["name"] == "as it was"]
    assert row["mix"] == pytest.approx({**finished["mix"], "law": 0.0}, abs=1e-6)


def test_every_run_of_the_swarm_keeps_them_too(tiny, finished, joined):
    with duckdb.connect(str(tiny / "joined" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select mix, domain, weight from mix_weights").fetchall()
    mixes = {mix: {domain: weight for m, domain, weight in rows if m == mix} for mix, _, _ in rows}
    assert len(mixes) == 10 + 2
    for weights in mixes.values():
        rest = 1 - weights["law"]
        assert {name: weights[name] for name in finished["mix"]} == pytest.approx(
            {name: rest * weight for name, weight in finished["mix"].items()}, abs=1e-5
        )


def test_buckets_give_what_the_mix_wants(tiny, joined):
    with duckdb.connect(str(tiny / "joined" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("from recommended_buckets").fetchall()
    taken: dict[str, float] = {}
    for domain, _, tokens, repeat, gives in rows:
        assert gives == pytest.approx(tokens * repeat)
        assert repeat <= UpsamplingSettings().cap * (1 + 1e-6)
        taken[domain] = taken.get(domain, 0) + gives
    wanted = {domain: weight * joined["budget"] for domain, weight in joined["mix"].items()}
    assert taken == pytest.approx(wanted, rel=1e-6)
    scored = [row for row in rows if row[0].startswith("web")]
    assert len(scored) >= 20
    assert {row[3] for row in scored if row[1] < 5} == {0.0}


def test_contents_are_names_of_texts_not_of_folders(tiny, finished, joined):
    stages = StageStore(tiny / "work" / "stages")
    contents = domain_contents(stages, next(stages.root.glob("pool-*")))
    now = {f"content/{name}": content for name, content in contents.items()}
    assert len(now) == len(finished["mix"])
    assert now.items() <= finished["evidence"].items()
    assert now.items() <= joined["evidence"].items()
    assert finished["evidence"]["pool"] != joined["evidence"]["pool"]


def test_buckets_share_what_is_available(tiny, finished):
    pool = Pool(next((tiny / "work" / "stages").glob("pool-*")))
    own = bucket_tokens(pool, pool.available({}))
    assert {name: sum(tokens) for name, tokens in own.items()} == pytest.approx(pool.available({}))
    assert len(own["code"]) == 1
    assert {len(tokens) for name, tokens in own.items() if name.startswith("web")} == {20}
    stated = bucket_tokens(pool, pool.available({"code": 10**9}))
    assert stated["code"] == [pytest.approx(10**9)]


@pytest.mark.parametrize(
    ("reuse", "said"),
    [
        ({"recommendation": "recommendation-none"}, "is neither a file nor a recommendation"),
        ({"recommendation": "experiment.yaml"}, "is not JSON"),
        ({"recommendation": "old.json"}, "does not say what its domains held"),
        ({"recommendation": "found.json", "partial": ["wbe"]}, "'wbe' matches no domain — did you mean 'web'?"),
        ({"recommendation": "found.json", "partials": []}, "unknown field 'reuse.partials' — did you mean 'partial'?"),
    ],
)
def test_what_cannot_be_reused_is_explained(tiny, finished, reuse, said):
    (tiny / "old.json").write_text(json.dumps({"mix": {"web": 1.0}, "evidence": {"pool": "pool-1"}}))
    (tiny / "found.json").write_text(json.dumps(finished))
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "wrong.yaml").write_text(yaml.safe_dump({**content, "reuse": reuse}))
    with pytest.raises(INPUT_ERRORS) as raised:
        planned(tiny / "wrong.yaml")
    assert said in str(raised.value)


def test_a_recommendation_of_the_work_folder_is_found_by_its_id(tiny, finished):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    reuse = {"recommendation": finished["id"], "partial": ["web*"]}
    (tiny / "by_id.yaml").write_text(yaml.safe_dump({**content, "reuse": reuse}))
    plan = planned(tiny / "by_id.yaml")
    opened = [name for name in finished["mix"] if name.startswith("web")]
    assert list(plan.open) == sorted(opened)
    assert set(plan.frozen) == set(finished["mix"]) - set(opened)
    assert describe_plan(plan)[1] == f"mixed anew: {plan.open[0]} (same)"


@pytest.mark.parametrize(
    ("recommend", "said"),
    [
        (
            {"limits": {"bounds": {"code": [0.1, 0.3]}}},
            r"recommend\.limits\.bounds: 'code' would keep .* reuse\.partial",
        ),
        ({"max_epochs": 1.2}, r"'code' may be 0\.1\d* of the mix .* add 'code', .* to reuse\.partial, raise .* lower"),
    ],
)
def test_limits_that_the_old_proportions_cannot_meet_are_named_before_proxies_train(tiny, finished, recommend, said):
    (tiny / "found.json").write_text(json.dumps(finished))
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["recommend"] |= recommend

    def check(*partial: str) -> None:
        reuse = {"recommendation": "found.json", "partial": ["encyclopedia", *partial]}
        (tiny / "limited.yaml").write_text(yaml.safe_dump({**content, "reuse": reuse}))
        experiment = load_experiment(tiny / "limited.yaml")
        check_on_pool(experiment, experiment.recommend, next(experiment.corpus.stages.root.glob("pool-*")))

    with pytest.raises(ExperimentError, match=said) as raised:
        check()
    line = str(raised.value)
    check(*re.findall(r"'([^']+)'", line.partition("add ")[2]) or ["code"])  # what the line says to do is enough
    if "max_epochs" in line:
        content["recommend"]["max_epochs"] = float(line.partition("max_epochs to ")[2].split()[0])
        check()


def test_a_mix_to_compare_with_that_has_other_proportions_is_named_before_proxies_train(tiny, finished):
    (tiny / "found.json").write_text(json.dumps(finished))
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    partial = ["encyclopedia"]

    def written() -> None:
        reuse = {"recommendation": "found.json", "partial": partial}
        (tiny / "compared.yaml").write_text(yaml.safe_dump({**content, "reuse": reuse}))

    written()
    (tiny / "ours.yaml").write_text(yaml.safe_dump({"code": 0.5, "science": 0.5}))
    runs = set((tiny / "work" / "records" / "runs").iterdir())
    line = said_here(tiny, "recommend", "compared.yaml", "--mix", "ours.yaml")
    found = re.search(r"mix 'ours' gives '(.+)' ([0-9.]+), not the [0-9.]+ of .* leave 'ours' out .* add (.+) to", line)
    assert found
    assert float(found[2]) == {"code": 0.5, "science": 0.5}.get(found[1], 0.0)
    assert set((tiny / "work" / "records" / "runs").iterdir()) == runs
    content["recommend"]["compare"] = {"ours": {"code": 0.5, "science": 0.5}}
    partial += re.findall(r"'([^']+)'", found[3])  # what the line says to do is enough
    written()
    experiment = load_experiment(tiny / "compared.yaml")
    check_on_pool(experiment, experiment.recommend, next(experiment.corpus.stages.root.glob("pool-*")))


def test_a_mix_to_compare_with_that_names_no_domain_is_named_before_proxies_train(tiny, finished):
    experiment = load_experiment(tiny / "experiment.yaml")
    settings = experiment.recommend.model_copy(update={"compare": {"ours": {"cod": 1.0}}})
    with pytest.raises(MixError, match="mix 'ours': no domain 'cod' — did you mean 'code'"):
        check_on_pool(experiment, settings, next(experiment.corpus.stages.root.glob("pool-*")))


def planned(file: Path) -> ReusePlan | None:
    """The plan of reuse over the pool of the finished experiment."""
    experiment = load_experiment(file)
    stages = experiment.corpus.stages
    return reuse_plan(experiment, stages, next(stages.root.glob("pool-*")))


def test_its_report_shows_full_domains_and_how_buckets_repeat(tiny, joined):
    pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
    mixwright("report", "joined.yaml", "--no-figures", "--out", "joined.html", folder=tiny)
    html = (tiny / "joined.html").read_text()
    assert joined["id"] in html
    assert '<section id="upsampling">' in html
    assert all(f"{domain}: recommended" in html for domain in joined["mix"])
