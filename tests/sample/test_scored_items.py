"""Real items are scored as the reference scores them."""

from collections import Counter

import numpy as np
from plain_proxy import SETTINGS, proxies, reference_bpb
from support import SAMPLE, bytewise, read_lines, write_lines

from mixes.proxy.evaluate import item_bpb
from pipeline.suite import SuiteSettings, encode_suite, read_items


def test_bpb_of_real_items_equals_the_reference(tmp_path):
    """Fifty of each task, encoded as the suite's stage does, a token a byte."""
    assert SAMPLE.exists(), "no sample corpus: run `make sample` first (or `make test`, which does)"
    kept = [row for row in read_lines(SAMPLE / "suite.jsonl.zst") if row["task"] in ("arc_easy", "csqa", "sciq")]
    write_lines(tmp_path / "suite.jsonl.zst", kept)
    settings = SuiteSettings(path="suite.jsonl", items=50)
    encode_suite(tmp_path / "suite.jsonl.zst", settings, bytewise(), 256, SETTINGS.context, tmp_path)
    items = read_items(tmp_path)
    assert Counter(item.task for item in items) == {"arc_easy": 50, "csqa": 50, "sciq": 50}
    model = proxies()
    wanted = [reference_bpb(model.weights_of(0), item) for item in items]
    np.testing.assert_allclose(item_bpb(model, items)[0], wanted, rtol=1e-5)
