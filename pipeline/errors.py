"""The one error of this floor that a user can mend."""

from mixes.show.secrets import masked


class PipelineError(ValueError):
    """Bad input, in one line: what, where, the value, the fix. The CLI prints it and exits with 2."""

    def __init__(self, line: str) -> None:
        super().__init__(masked(line))
