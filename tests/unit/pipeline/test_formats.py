"""Binary formats of trainers, byte by byte."""

import json
import struct
from itertools import pairwise

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.formats.datatrove_index import write_datatrove_index
from pipeline.formats.mds import MdsWriter, mds_index
from pipeline.formats.megatron_index import write_megatron_index


@pytest.mark.parametrize(("dtype", "code"), [(np.uint16, 8), (np.uint32, 4)])
def test_megatron(tmp_path, dtype, code):
    """There is no unsigned type of 32 bits: 4 is int32, the same bytes below 2³¹."""
    write_megatron_index(tmp_path / "a.idx", np.array([3, 5]), np.dtype(dtype))
    size = np.dtype(dtype).itemsize
    wanted = b"MMIDIDX\0\0" + b"".join(
        [struct.pack("<QBQQ", 1, code, 2, 3), struct.pack("<2i", 3, 5), struct.pack("<2q", 0, 3 * size),
         struct.pack("<3q", 0, 1, 2)]
    )  # fmt: skip
    assert (tmp_path / "a.idx").read_bytes() == wanted


def test_megatron_has_no_other_type(tmp_path):
    with pytest.raises(PipelineError, match="ids of 16 or 32 bits, not uint64"):
        write_megatron_index(tmp_path / "a.idx", np.array([1]), np.dtype(np.uint64))


def test_datatrove(tmp_path):
    write_datatrove_index(tmp_path / "a.ds", np.array([3, 5], dtype=np.int32), "folder", 2)
    assert np.fromfile(tmp_path / "a.ds.index", "<u8").tolist() == [3, 8]
    assert (tmp_path / "a.ds.metadata").read_text() == "folder|2\n8\n8 T"


def test_mds_begins_a_shard_where_one_is_full(tmp_path):
    writer = MdsWriter(tmp_path, {"b": ("str", None), "a": ("int", 8)}, "00003", most=500)
    samples = [(number, "x" * (10 * number)) for number in range(12)]
    for number, text in samples:
        writer.add({"a": struct.pack("<q", number), "b": text.encode()})
    index = json.loads(mds_index(writer.close()))
    read = []
    for shard in index["shards"]:
        content = (tmp_path / shard["raw_data"]["basename"]).read_bytes()
        assert len(content) == shard["raw_data"]["bytes"] <= 500
        (count,) = struct.unpack_from("<I", content)
        starts = struct.unpack_from(f"<{count + 1}I", content, 4)
        assert json.loads(content[4 + 4 * (count + 1) : starts[0]])["column_names"] == ["a", "b"]
        for start, end in pairwise(starts):
            size, number = struct.unpack_from("<Iq", content, start)  # sizes of what varies, then columns by name
            assert start + 12 + size == end
            read.append((number, content[start + 12 : end].decode()))
    assert read == samples
    assert len(index["shards"]) > 2
    assert sum(shard["samples"] for shard in index["shards"]) == len(samples)
