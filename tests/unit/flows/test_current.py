"""Records of two experiments in one work folder, and of recommendations in any order, never mix."""

import polars as pl

from flows.catalog.current import (
    ABOUT_RECOMMENDATIONS,
    COMPARED,
    current_records,
    last_number,
    numbered,
    read_index,
    shown_swarm,
    with_pool,
    with_swarm,
    write_index,
)
from flows.catalog.tables.recommendations import RECOMMENDATIONS
from pipeline.store.documents import write_parquet


def table(folder, name: str) -> str:
    write_parquet(pl.DataFrame({"a": [1]}), folder / "records" / name)
    return f"records/{name}"


def recommend(folder, swarm: str, number: int, name: str) -> None:
    for about in ABOUT_RECOMMENDATIONS:
        table(folder, f"{about}/{swarm}/{number:06d}-{name}.parquet")


def test_experiments_that_take_turns_show_what_is_their_own(tmp_path):
    notes: list[str] = []
    for step in (
        lambda index: with_pool(index, "pool-a", {"domains": [table(tmp_path, "domains/a.parquet")]}),
        lambda index: with_pool(index, "pool-b", {"domains": [table(tmp_path, "domains/b.parquet")]}),
        lambda index: with_swarm(index, "pool-a", "swarm-a", {"mixes": [table(tmp_path, "mixes/a.parquet")]}),
        lambda index: with_swarm(index, "pool-b", "swarm-b", {"mixes": [table(tmp_path, "mixes/b.parquet")]}),
    ):
        write_index(tmp_path, step(read_index(tmp_path, notes.append)))
    recommend(tmp_path, "swarm-b", 1, "recommendation-b")
    recommend(tmp_path, "swarm-a", 1, "recommendation-a")
    index = read_index(tmp_path, notes.append)
    for name in "ab":
        for asked in (f"swarm-{name}", None):
            swarm = shown_swarm(index, f"pool-{name}", asked)
            assert swarm == f"swarm-{name}"
            shown = current_records(tmp_path, index, f"pool-{name}", swarm, notes.append)
            assert shown["domains"] == [f"records/domains/{name}.parquet"]
            assert shown["mixes"] == [f"records/mixes/{name}.parquet"]
            own, other = (
                f"records/recommendations/swarm-{of}/000001-recommendation-{of}.parquet"
                for of in sorted("ab", key=lambda of: of != name)
            )
            assert shown["recommendations"] == [own, other]  # all are there to be compared, its own first
    assert not notes


def test_a_recommendation_with_a_damaged_record_is_left_out_and_keeps_its_number(tmp_path):
    notes: list[str] = []
    recommend(tmp_path, "swarm", 1, "recommendation-a")
    recommend(tmp_path, "swarm", 2, "recommendation-b")
    (tmp_path / "records" / "laws" / "swarm" / "000002-recommendation-b.parquet").write_bytes(b"PAR1")
    assert numbered(tmp_path, "swarm", notes.append) == {"recommendation-a": "000001-recommendation-a"}
    assert last_number(tmp_path, "swarm") == 2
    assert len(notes) == 1
    assert "damaged" in notes[0]


def test_lists_of_an_older_version_or_damaged_ones_are_made_anew(tmp_path):
    notes: list[str] = []
    (tmp_path / "current.json").write_text('{"schema_version": 7, "tables": {"mixes": ["x"]}}')
    assert read_index(tmp_path, notes.append) == {"pools": {}, "swarms": {}, "last_swarm": {}}
    (tmp_path / "current.json").write_text('{"schema_ver')
    assert read_index(tmp_path, notes.append) == {"pools": {}, "swarms": {}, "last_swarm": {}}
    assert notes == ["current.json is damaged: it is made anew"]


def test_deployments_of_two_folders_have_two_names(tmp_path):
    from flows.deploy.planned import deployment_name

    names = {deployment_name("sample", tmp_path / folder / "experiment.yaml") for folder in "ab"}
    assert len(names) == 2
    assert all(name.startswith("sample-") for name in names)
    assert deployment_name("x/../y\x1b", tmp_path / "e.yaml").isprintable()


def test_every_table_about_recommendations_is_listed():
    assert set(ABOUT_RECOMMENDATIONS) == RECOMMENDATIONS.keys()


def test_a_recommendation_from_before_mixes_were_compared_is_whole(tmp_path):
    for number, name in ((1, "recommendation-a"), (2, "recommendation-b")):
        recommend(tmp_path, "swarm", number, name)
    first, second = (
        tmp_path / f"records/{COMPARED}/swarm/{name}.parquet"
        for name in ("000001-recommendation-a", "000002-recommendation-b")
    )
    first.unlink()
    notes: list[str] = []
    assert list(numbered(tmp_path, "swarm", notes.append)) == ["recommendation-a", "recommendation-b"]
    shown = current_records(tmp_path, read_index(tmp_path, notes.append), "pool", "swarm", notes.append)
    assert shown[COMPARED] == [str(second.relative_to(tmp_path))]
    assert not notes
    second.write_bytes(b"PAR1")
    assert list(numbered(tmp_path, "swarm", notes.append)) == ["recommendation-a"]
    assert "damaged" in notes[0]
