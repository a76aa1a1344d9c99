"""Which extractors are installed."""

import importlib.util

from pipeline.errors import PipelineError
from pipeline.read.sources import SourceSettings

TRAFILATURA = ("trafilatura", "lxml_html_clean")  # its second package is loaded by one that it needs


def check_extractors(sources: dict[str, SourceSettings]) -> None:
    """Whether what the sources ask for is installed.

    Raises:
        PipelineError: a source asks for trafilatura and it is not.
    """
    for name, source in sorted(sources.items()):
        if source.extractor == "trafilatura" and not all(map(importlib.util.find_spec, TRAFILATURA)):
            raise PipelineError(
                f"sources.{name}.extractor: trafilatura is not installed — pip install {' '.join(TRAFILATURA)}"
            )
