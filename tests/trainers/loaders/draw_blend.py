"""Every document of a blend, read by what its format is for; the format is the one of its manifest."""

import json
import os

import numpy as np
from drawn import FOLDER, SEQUENCE, put_text, put_tokens, stand_in

manifest = json.loads((FOLDER / "manifest.json").read_text())
end, width = manifest["end_token"], manifest["token_bytes"]
dtype = np.dtype(f"u{width}")


def from_jsonl() -> None:
    """datatrove's reader of JSON Lines, and the datasets library."""
    from datasets import load_dataset
    from datatrove.pipeline.readers import JsonlReader

    texts = [document.text for document in JsonlReader(str(FOLDER), glob_pattern="*.jsonl.zst")()]
    rows = load_dataset("json", data_files=str(FOLDER / "*.jsonl.zst"), split="train")
    assert list(rows["text"]) == texts
    for text in texts:
        put_text(text)


def from_parquet() -> None:
    """The datasets library, given the folder."""
    from datasets import load_dataset

    for row in load_dataset("parquet", data_files=str(FOLDER / "*.parquet"), split="train"):
        put_text(row["text"])


def from_megatron() -> None:
    """IndexedDataset of each shard, and the blend of all by Megatron's own builder of samples."""
    from megatron.core.datasets.indexed_dataset import IndexedDataset
    from megatron.core.datasets.utils import get_blend_from_list

    prefixes, weights = get_blend_from_list((FOLDER / "data-args.txt").read_text().split())
    assert abs(sum(weights) - 1) < 1e-9
    for prefix in prefixes:
        shard = IndexedDataset(str(FOLDER / prefix))
        assert len(shard.document_indices) == len(shard) + 1
        for number in range(len(shard)):
            ids = shard[number]
            assert ids[-1] == end
            put_tokens(ids[:-1])


def from_olmo_core() -> None:
    """Documents by the metadata beside each array, and the packed instances of the whole."""
    from olmo_core.data import NumpyFSLDatasetConfig, TokenizerConfig
    from olmo_core.data.utils import iter_document_indices, load_array_slice

    shards = sorted(FOLDER.glob("*.npy"))
    for shard in shards:
        places = list(iter_document_indices(shard, use_array_if_local=False))
        assert places == list(iter_document_indices(shard, eos_token_id=end, dtype=dtype.type))
        for first, last in places:
            put_tokens(load_array_slice(shard, first, last, dtype.type)[:-1])
    tokenizer = TokenizerConfig(vocab_size=manifest["vocabulary"], eos_token_id=end, pad_token_id=end)
    dataset = NumpyFSLDatasetConfig(
        paths=[str(shard) for shard in shards], sequence_length=SEQUENCE, tokenizer=tokenizer,
        dtype=dtype.name, work_dir=str(FOLDER.parent / "olmo-work"),
    ).build()  # fmt: skip
    dataset.prepare()
    tokens = [shard.stat().st_size // width for shard in shards]
    assert len(dataset) == sum(count // SEQUENCE for count in tokens)
    first = np.fromfile(shards[0], dtype)[:SEQUENCE]
    assert dataset[0]["input_ids"].tolist() == first.tolist()


def from_datatrove() -> None:
    """DatatroveFolderDataset, whose positions begin anew with each document."""
    from datatrove.utils.dataset import DatatroveFolderDataset

    dataset = DatatroveFolderDataset(
        str(FOLDER), seq_len=SEQUENCE, token_size=width, return_positions=True, recursive=False,
        filename_pattern="*.ds",
    )  # fmt: skip
    samples = [dataset[number] for number in range(len(dataset))]
    shards = sorted(FOLDER.glob("*.ds"))
    stream = np.concatenate([np.fromfile(shard, dtype)[: _whole(shard)] for shard in shards])
    assert np.concatenate([sample["input_ids"].numpy() for sample in samples]).tolist() == stream.tolist()
    for shard in shards:
        ends = np.fromfile(f"{shard}.index", dtype="<u8")
        for ids in np.split(np.fromfile(shard, dtype), ends[:-1].astype(int)):
            assert ids[-1] == end
            put_tokens(ids[:-1])


def _whole(shard: os.PathLike) -> int:
    """Tokens of the whole samples of a shard."""
    return os.path.getsize(shard) // width // (SEQUENCE + 1) * (SEQUENCE + 1)


def from_mds() -> None:
    """StreamingDataset of the folder, in its order."""
    stand_in("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")
    from streaming import StreamingDataset

    dataset = StreamingDataset(local=str(FOLDER), shuffle=False, batch_size=1)
    for sample in dataset:
        put_text(sample["text"])


READ = {
    "jsonl": from_jsonl, "parquet": from_parquet, "megatron": from_megatron, "olmo-core": from_olmo_core,
    "datatrove": from_datatrove, "mds": from_mds,
}  # fmt: skip
READ[manifest["format"]]()
