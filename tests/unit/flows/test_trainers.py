"""Each trainer's files hold the recommended shares, in the trainer's own keys, over files that are there."""

import json
import runpy
import struct
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from handed import MIX, place_in, recommended, write_pool

from flows.errors import ExperimentError
from flows.trainers.from_pool import handover_of
from flows.trainers.registry import TRAINERS, trainer_named
from flows.trainers.write import check_fits
from mixes.upsampling import UpsamplingSettings
from pipeline.pool.pool import TRAIN

CURVE = UpsamplingSettings(discard=0.3, cap=5)
USED = {name: share for name, share in MIX.items() if share}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write_pool(tmp_path_factory.mktemp("handed"))


@pytest.fixture(scope="module")
def plan(pool):
    return handover_of(recommended(pool, upsampling=CURVE), 30_000)


def written(name, plan, pool, folder):
    """The folder that a trainer's files are written to."""
    result = TRAINERS[name].write(plan, place_in(folder, pool))
    assert len(result.names) == len(set(result.names)) == len(result.weights) == len(plan.parts)
    assert sum(result.weights) == pytest.approx(1)
    return folder


def index_of(path: Path) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """What a `.idx` holds, read by its description in shared words: type, lengths, starts, documents."""
    content = path.read_bytes()
    assert content[:9] == b"MMIDIDX\0\0"
    version, code, sequences, documents = struct.unpack_from("<QBQQ", content, 9)
    assert (version, documents) == (1, sequences + 1)
    lengths = np.frombuffer(content, "<i4", sequences, 34)
    starts = np.frombuffer(content, "<i8", sequences, 34 + 4 * sequences)
    ends = np.frombuffer(content, "<i8", documents, 34 + 12 * sequences)
    assert len(content) == 34 + 12 * sequences + 8 * documents
    return code, lengths, starts, ends


def test_olmo_core(plan, pool, tmp_path):
    sources = yaml.safe_load((written("olmo-core", plan, pool, tmp_path) / "mix.yaml").read_text())["sources"]
    assert sum(source["target_ratio"] for source in sources) == pytest.approx(1)
    assert all(0 < source["target_ratio"] <= 1 <= source["max_repetition_ratio"] for source in sources)
    assert all(Path(path).is_file() for source in sources for path in source["paths"])
    for source, part in zip(sources, plan.parts, strict=True):  # what OLMo-core checks before it builds a mixture
        held = sum(Path(path).stat().st_size // 2 for path in source["paths"])
        assert int(plan.tokens * source["target_ratio"]) <= int(held * source["max_repetition_ratio"])
        assert held == part.held


def test_megatron(plan, pool, tmp_path):
    folder = written("megatron", plan, pool, tmp_path)
    splits = json.loads((folder / "blend.json").read_text())
    assert set(splits) == {"train", "valid", "test"}
    assert (folder / "blend.txt").read_text().split() == splits["train"]
    of_domain: dict[str, float] = {}
    domain_of = {path.resolve(): name for name, paths in pool.files(TRAIN).items() for path in paths}
    for weight, prefix in zip(splits["train"][::2], splits["train"][1::2], strict=True):
        tokens = np.fromfile(f"{prefix}.bin", np.uint16)
        code, lengths, starts, documents = index_of(Path(f"{prefix}.idx"))
        assert code == 8
        assert lengths.sum() == len(tokens)
        assert starts.tolist() == [0, *(2 * np.cumsum(lengths)[:-1])]
        assert documents.tolist() == list(range(len(lengths) + 1))
        assert (tokens[np.cumsum(lengths) - 1] == pool.end_token).all()
        assert Path(f"{prefix}.bin").is_symlink()
        domain = domain_of[Path(f"{prefix}.bin").resolve()]
        of_domain[domain] = of_domain.get(domain, 0) + float(weight)
    assert of_domain == pytest.approx(USED)
    assert sum(map(float, splits["valid"][::2])) == pytest.approx(1)
    assert all("validation" in Path(prefix).name for prefix in splits["valid"][1::2])


def test_nemo(plan, pool, tmp_path):
    folder = written("nemo", plan, pool, tmp_path)
    sections = yaml.safe_load((folder / "dataset.yaml").read_text())
    assert set(sections) == {"dataset", "validation_dataset"}
    blend = json.loads(Path(sections["dataset"]["paths"]).read_text())
    assert sum(map(float, blend["train"][::2])) == pytest.approx(1)
    assert all(Path(f"{prefix}.idx").exists() for prefix in (*blend["train"][1::2], *blend["validation"]))


def test_nanotron(plan, pool, tmp_path):
    content = yaml.safe_load((written("nanotron", plan, pool, tmp_path) / "data_stages.yaml").read_text())
    data = content["data_stages"][0]["data"]["dataset"]
    assert data["token_size_in_bytes"] == 2
    for folder, weight, part in zip(data["dataset_folder"], data["dataset_weights"], plan.parts, strict=True):
        files = sorted(Path(folder).glob("*.ds"))
        ends = [np.fromfile(f"{file}.index", "<u8") for file in files]
        assert weight == part.share
        assert sum(int(end[-1]) for end in ends) == part.held
        assert sum(len(end) for end in ends) == part.documents
        for file, end in zip(files, ends, strict=True):
            tokenizer, tokens, _ = Path(f"{file}.metadata").read_text().split("\n")
            assert (tokenizer, int(tokens)) == (f"{data['tokenizer_name']}|2", int(end[-1]))
            assert (np.fromfile(file, np.uint16)[end.astype(int) - 1] == pool.end_token).all()


def test_texts_for_those_who_want_them(plan, pool, tmp_path):
    """litdata, LLaMA-Factory, levanter and torchtitan read a folder of Parquet per part."""
    folder = written("llama-factory", plan, pool, tmp_path)
    info = json.loads((folder / "dataset_info.json").read_text())
    arguments = yaml.safe_load((folder / "data.yaml").read_text())
    names = arguments["dataset"].split(",")
    assert names == list(info)
    assert "code-old" in names
    assert [float(share) for share in arguments["interleave_probs"].split(",")] == pytest.approx(plan.row_shares)
    for name, part in zip(names, plan.parts, strict=True):
        table = pq.read_table(info[name]["file_name"])
        assert table.num_rows == part.documents
        assert sum(table["tokens"].to_pylist()) == part.held
        assert set(table["domain"].to_pylist()) == {part.domain}


def test_litdata(plan, pool, tmp_path):
    folder = written("litdata", plan, pool, tmp_path)
    for source, part in zip(json.loads((folder / "mix.json").read_text())["parts"], plan.parts, strict=True):
        index = json.loads((Path(source["folder"]) / "index.json").read_text())
        assert sum(chunk["chunk_size"] for chunk in index["chunks"]) == part.documents
        assert index["config"]["item_loader"] == "ParquetLoader"


def test_levanter(plan, pool, tmp_path):
    data = yaml.safe_load((written("levanter", plan, pool, tmp_path) / "data.yaml").read_text())["data"]
    assert list(data["train_weights"]) == list(data["components"])
    assert list(data["train_weights"].values()) == [part.share for part in plan.parts]
    for component in data["components"].values():
        for urls in (component["source"]["train_urls"], component["source"].get("validation_urls", [])):
            assert all(list(Path("/").glob(url.lstrip("/"))) for url in urls)


def test_hf_datasets(plan, pool, tmp_path):
    folder = written("hf-datasets", plan, pool, tmp_path)
    for source, part in zip(json.loads((folder / "mix.json").read_text())["parts"], plan.parts, strict=True):
        filters = [*map(tuple, source["filters"]), ("split", "==", "train")]
        assert pq.read_table(source["files"], filters=filters).num_rows == part.documents


def test_torchtitan_grammar(plan, pool, tmp_path, monkeypatch):
    """No release has torchtitan.components.data yet: stand-ins take its place, and what they are given is looked at."""
    import sys
    from types import ModuleType, SimpleNamespace

    def kind(name):
        return type(name, (), {"__init__": lambda self, **fields: self.__dict__.update(fields)})

    data, texts = ModuleType("torchtitan.components.data"), ModuleType("torchtitan.hf_datasets.text_datasets")
    for name in ("ConcatThenSplitPackingConfig", "DatasetMixConfig", "SingleDatasetConfig", "WeightedDataset"):
        setattr(data, name, kind(name))
    data.HuggingFaceRandomAccessSource = SimpleNamespace(Config=kind("Source"))
    texts.TextProcessor = SimpleNamespace(Config=kind("Processor"))
    monkeypatch.setitem(sys.modules, data.__name__, data)
    monkeypatch.setitem(sys.modules, texts.__name__, texts)
    mix = runpy.run_path(str(written("torchtitan", plan, pool, tmp_path) / "mix.py"))["dataset"]()
    assert [item.weight for item in mix.datasets] == [part.share for part in plan.parts]
    source = mix.datasets[0].dataset.dataset.source
    assert (source.path, source.split) == ("parquet", "train")
    assert list(Path("/").glob(source.load_dataset_kwargs["data_files"][0].lstrip("/")))


def test_mosaicml(plan, pool, tmp_path):
    folder = written("mosaicml", plan, pool, tmp_path)
    streams = yaml.safe_load((folder / "train_loader.yaml").read_text())["train_loader"]["dataset"]["streams"]
    for stream, part in zip(streams.values(), plan.parts, strict=True):
        assert stream["proportion"] == part.share
        shards = json.loads((Path(stream["local"]) / stream["split"] / "index.json").read_text())["shards"]
        samples = sum(shard["samples"] for shard in shards)
        ranks = len({file.rank for file in part.files})
        assert part.held - 64 * ranks < 64 * samples <= part.held
        for shard in shards:
            content = (Path(stream["local"]) / stream["split"] / shard["raw_data"]["basename"]).read_bytes()
            count, first = struct.unpack_from("<II", content)
            assert (count, len(content)) == (shard["samples"], shard["raw_data"]["bytes"])
            assert np.frombuffer(content, "<i4", 64, first).max() < pool.vocabulary


def test_olmix(plan, pool, tmp_path):
    content = yaml.safe_load((written("olmix", plan, pool, tmp_path) / "launch.yaml").read_text())
    names = []
    for source in content["data"]["sources"]:  # as olmix/launch names what it finds
        assert sum(key in source for key in ("paths", "topics", "quality")) == 1
        names += [f"{source['name']}:{quality['name']}" for quality in source.get("quality", [])]
        names += [source["name"]] if "paths" in source else []
    assert names == list(content["mix"])
    assert sum(entry["weight"] for entry in content["mix"].values()) == pytest.approx(1)


def test_json(plan, pool, tmp_path):
    parts = json.loads((written("json", plan, pool, tmp_path) / "mix.json").read_text())["parts"]
    assert [part["share_of_documents"] for part in parts] == plan.row_shares


def test_a_domain_that_came_as_tokens(tmp_path):
    pool = write_pool(tmp_path / "pool", as_tokens="books")
    plan = handover_of(recommended(pool), 5_000)
    for name in ("hf-datasets", "litdata", "llama-factory", "levanter", "torchtitan"):
        with pytest.raises(ExperimentError, match="wants documents as text, and domain 'books' came as tokens — take"):
            check_fits(plan, TRAINERS[name])
    for name in ("olmo-core", "megatron", "nemo", "nanotron", "mosaicml", "olmix", "json"):
        check_fits(plan, TRAINERS[name])
        written(name, plan, pool, tmp_path / name)


def test_a_vocabulary_that_integers_do_not_hold(plan):
    from dataclasses import replace

    large = replace(plan, vocabulary=replace(plan.vocabulary, size=(1 << 31) + 1))
    with pytest.raises(ExperimentError, match="holds token numbers below 2,147,483,648"):
        check_fits(large, TRAINERS["megatron"])
    check_fits(large, TRAINERS["olmo-core"])


@pytest.mark.parametrize(("name", "nearest"), [("megatrn", "megatron"), ("olmo", "olmo-core"), ("hf", "hf-datasets")])
def test_an_unknown_format(name, nearest):
    with pytest.raises(ExperimentError, match=f"did you mean '{nearest}'"):
        trainer_named(name)


def test_every_format_is_named_in_the_help():
    from flows.commands.export import FORMATS

    assert FORMATS.split(", ") == list(TRAINERS)
