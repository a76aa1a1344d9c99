"""A datatrove step that does nothing, in a module of its own so that processes of ranks can import it."""

from collections.abc import Iterator

from datatrove.pipeline.base import PipelineStep


class Nothing(PipelineStep):
    """Yields nothing."""

    name = "nothing"
    type = "mixwright"

    def run(self, data: Iterator | None = None, rank: int = 0, world_size: int = 1) -> Iterator:
        """No document."""
        return iter(())
