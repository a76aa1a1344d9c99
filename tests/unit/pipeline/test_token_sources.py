"""Settings of sources that are tokenised already."""

import pytest
from pydantic import ValidationError

from pipeline.read.sources import SourceSettings


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "tokens"}, "tokenizer_sha256 is missing"),
        ({"format": "tokens", "tokenizer_sha256": "abc"}, "should match pattern"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "quality": True, "topics": True}, "takes no quality, top"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "fields": {"text": "t"}}, "takes no fields — remove it"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "without": ["repeats"]}, "takes no without"),
        ({"format": "tokens", "tokenizer_sha256": "0" * 64, "dtype": "int64"}, "'uint16' or 'uint32'"),
        ({"format": "jsonl", "dtype": "uint32"}, "dtype is for format tokens alone"),
    ],
)
def test_settings_that_make_no_sense(fields, said):
    with pytest.raises(ValidationError, match=said):
        SourceSettings(path="*", **fields)
