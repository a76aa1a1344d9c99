"""`mixwright export`, and `recommend --export`: what is printed, what is written, and what is refused."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
import yaml
from support import here, mixwright, said_here

from flows.trainers.folder import whole_folder

EXPORT = ("export", "experiment.yaml", "--format")


@pytest.fixture(scope="module")
def folder(tiny, finished):
    return tiny


def test_the_table_the_readme_and_the_record_say_the_same(folder, finished):
    printed = here(*EXPORT, "olmo-core", folder=folder).stdout
    about = json.loads((folder / "export" / "olmo-core" / "mixwright.json").read_text())
    readme = (folder / "export" / "olmo-core" / "README.md").read_text()
    assert about["recommendation"] == finished["id"]
    assert about["tokens"] == finished["budget"]
    assert {part["domain"]: part["share"] for part in about["parts"]} == finished["mix"]
    assert {part["domain"]: part["epochs"] for part in about["parts"]} == pytest.approx(finished["epochs"])
    for part in about["parts"]:
        for cell in (f"{part['tokens']:,.0f}", f"{part['epochs']:.3g}", f"{part['share']:.2%}"):
            assert cell in printed
            assert cell in readme
    assert about["tokenizer"]["hash"] in readme
    assert (folder / "export" / "olmo-core" / "tokenizer" / "tokenizer.json").exists()
    again = json.loads(here(*EXPORT, "olmo-core", "--json", folder=folder).stdout)
    assert again == about


def test_a_new_export_takes_the_place_of_the_old_one(folder):
    mixwright(*EXPORT, "megatron", "--out", "place", folder=folder)
    assert (folder / "place" / "data").is_dir()
    here(*EXPORT, "json", "--out", "place", "--tokens", "100K", folder=folder)
    names = sorted(path.name for path in (folder / "place").iterdir())
    assert names == ["README.md", "mix.json", "mixwright.json", "tokenizer"]
    assert json.loads((folder / "place" / "mix.json").read_text())["tokens"] == 100_000
    assert not list(folder.glob(".place*"))


def test_a_folder_with_other_files(folder):
    here(*EXPORT, "json", "--out", "mixed", folder=folder)
    (folder / "mixed" / "notes.txt").write_text("mine")
    line = said_here(folder, *EXPORT, "json", "--out", "mixed")
    assert "holds 'notes.txt', which no export wrote" in line
    (folder / "thesis").mkdir()
    (folder / "thesis" / "one.txt").write_text("years of work")
    assert "is not empty and no export of mixwright" in said_here(folder, *EXPORT, "json", "--out", "thesis")
    assert "is no folder" in said_here(folder, *EXPORT, "json", "--out", "experiment.yaml")


def test_megatron_in_a_folder_with_white_space(folder):
    """Its text of prefixes would be taken apart; its JSON is not."""
    mixwright(*EXPORT, "megatron", "--out", "my exports/megatron", folder=folder)
    assert sorted(path.name for path in (folder / "my exports" / "megatron").glob("blend*")) == ["blend.json"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("megatrn",), "--format 'megatrn': no such format — did you mean 'megatron'?"),
        (("json", "--recommendation", "nothing"), "is no recommendation — known are, newest first: recommendation-"),
        (("json", "--tokens", "10T"), "tokens are wanted of domain 'code', which may give"),
        (("json", "--tokens", "many"), "--tokens 'many' is not a number of tokens above 0"),
        (("json", "--tokens", "1K", "--global-batch", "4M"), "--global-batch 4,000,000: is more than the 1,000 tokens"),
        (("mosaicml", "--sequence", "900000"), "holds not one sample of this length — take a smaller --sequence"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_is_refused(folder, words, line):
    done = here(*EXPORT, *words, "--out", "refused", folder=folder)
    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert not (folder / "refused").exists()
    assert not list(folder.glob(".refused*"))


def test_a_recommendation_by_its_beginning(folder, finished):
    beginning = finished["id"].removeprefix("recommendation-")[:5]
    about = json.loads(here(*EXPORT, "json", "--recommendation", beginning, "--json", folder=folder).stdout)
    assert about["recommendation"] == finished["id"]


def test_recommend_exports_what_it_recommends(folder, finished):
    done = here(
        "recommend", "experiment.yaml", "--export", "olmix:both/olmix", "--export", "json:both/json", folder=folder
    )
    assert "for Olmix" in done.stdout
    assert "Written to both/json" in done.stdout
    mix = yaml.safe_load((folder / "both" / "olmix" / "launch.yaml").read_text())["mix"]
    assert {name: entry["weight"] for name, entry in mix.items()} == finished["mix"]
    line = said_here(folder, "recommend", "experiment.yaml", "--export", "olmix")
    assert "write FORMAT:DIR" in line


@pytest.fixture(scope="module")
def swarm(tmp_path_factory) -> Path:
    """A swarm in files, with and without what trainers need to know of its corpus."""
    import numpy as np

    folder = tmp_path_factory.mktemp("swarm")
    weights = np.random.default_rng(0).dirichlet(np.full(3, 2.0), size=24)
    ratios = pl.DataFrame({"run": [f"r{i}" for i in range(24)], "dclm:code": weights[:, 0], "dclm:web": weights[:, 1],
                           "wiki": weights[:, 2]})  # fmt: skip
    ratios.write_csv(folder / "ratios.csv")
    ratios.select("run", a_bpb=2 - pl.col("wiki").sqrt(), b_bpb=2 - pl.col("dclm:code").sqrt()).write_csv(
        folder / "metrics.csv"
    )
    tokens = pl.DataFrame({"domain": ["dclm:code", "dclm:web", "wiki"], "tokens": [1e12, 4e12, 1e12]})
    tokens.write_csv(folder / "tokens.csv")
    tokens.with_columns(
        documents=pl.Series([1e9, 4e9, 1e9]), paths=pl.Series(["s3://c/*.npy", None, "/data/wiki/*.npy"])
    ).write_csv(folder / "more.csv")
    (folder / "families.yaml").write_text("a: [a_bpb]\nb: [b_bpb]\n")
    return folder


FILES = ("recommend", "--ratios", "ratios.csv", "--metrics", "metrics.csv", "--families", "families.yaml",
         "--budget", "2T", "--bound", "dclm:web=0.1:0.2")  # fmt: skip


def test_a_swarm_from_files(swarm):
    done = here(
        *FILES, "--tokens", "more.csv", "--export", "olmo-core:o", "--export", "olmix:x", "--json", folder=swarm
    )
    assert done.returncode == 0, done.stderr
    mix = {name: share for name, share in json.loads(done.stdout)["mix"].items() if share}
    sources = yaml.safe_load((swarm / "o" / "mix.yaml").read_text())["sources"]
    assert {source["source_name"]: source["target_ratio"] for source in sources} == pytest.approx(mix)
    paths = {source["source_name"]: source["paths"] for source in sources}
    assert paths == {"dclm:code": ["s3://c/*.npy"], "dclm:web": ["DATA/dclm:web/*.npy"], "wiki": ["/data/wiki/*.npy"]}
    assert "Paths that begin with DATA/ are placeholders" in (swarm / "o" / "README.md").read_text()
    launch = yaml.safe_load((swarm / "x" / "launch.yaml").read_text())
    assert [source["name"] for source in launch["data"]["sources"]] == ["dclm", "wiki"]
    assert [topic["name"] for topic in launch["data"]["sources"][0]["topics"]] == ["code", "web"]


def test_a_swarm_from_files_whose_documents_are_not_counted(swarm):
    line = said_here(swarm, *FILES, "--tokens", "tokens.csv", "--export", "hf-datasets:h")
    assert "does not say how many 'dclm:code' has — add a column 'documents'" in line
    assert "needs --tokens" in said_here(swarm, *FILES, "--export", "json:j")
    here(*FILES, "--tokens", "more.csv", "--export", "hf-datasets:h", folder=swarm)
    parts = json.loads((swarm / "h" / "mix.json").read_text())["parts"]
    assert sum(part["probability"] for part in parts) == pytest.approx(1)


def test_a_killed_export_goes_on(tmp_path):
    final = tmp_path / "export"

    def export_and_stop() -> None:
        with whole_folder(final, "plan") as aside:
            (aside / "half").write_text("done")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_and_stop()
    assert not final.exists()
    with whole_folder(final, "plan") as aside:
        assert (aside / "half").exists()
    with whole_folder(final, "another plan") as aside:
        assert not (aside / "half").exists()
        (aside / "whole").write_text("done")
    assert os.listdir(tmp_path) == ["export"]
    assert os.listdir(final) == ["whole"]
