"""The formats in which a blend can be written."""

from mixes.errors import did_you_mean
from pipeline.blend.formats.ids import Datatrove, Megatron, OlmoCore
from pipeline.blend.formats.kind import Format
from pipeline.blend.formats.mds import Mds
from pipeline.blend.formats.text import Jsonl, Parquet
from pipeline.errors import PipelineError

FORMATS: dict[str, Format] = {
    kind.name: kind for kind in (Jsonl(), Parquet(), Megatron(), OlmoCore(), Datatrove(), Mds())
}


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        PipelineError: there is none.
    """
    if name not in FORMATS:
        raise PipelineError(f"--format {name!r}: is no format of a blend — {did_you_mean(name, FORMATS)}")
    return FORMATS[name]
