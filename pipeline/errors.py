"""The errors of this floor that a user can mend."""

from mixes.show.secrets import masked


class PipelineError(ValueError):
    """Bad input, in one line: what, where, the value, the fix. The CLI prints it and exits with 2."""

    def __init__(self, line: str) -> None:
        super().__init__(masked(line))


class RanksFailed(PipelineError):
    """Ranks of a stage failed, on whatever executor.

    where: `filter: rank 3 (web/x)`, which the message begins with; is_mistake: whether a rank says what is wrong with
    the input, so that exit code 2 is right.
    """

    def __init__(self, message: str, where: str, is_mistake: bool) -> None:
        super().__init__(message)
        self.where, self.is_mistake = where, is_mistake

    def __reduce__(self) -> tuple:
        """How it comes out of another process."""
        return type(self), (str(self), self.where, self.is_mistake)


class RankTraceback(Exception):
    """The traceback of a rank, as text: what the error of a failed stage is raised from, shown by --debug."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])
