"""Mistakes that a user can mend, from every floor."""

import re
from collections.abc import Collection

from classifiers.errors import ClassifierError
from mixes.errors import MixError
from pipeline.errors import PipelineError


class ExperimentError(ValueError):
    """Bad input, in one line: what, where, the value, the fix."""


def named_as_options(message: str, options: Collection[str]) -> str:
    """A message whose fields in backticks are named as the command line has them: `max_epochs` as --max-epochs.

    options: those of the command, with their dashes; other fields keep their names.
    """

    def option(field: re.Match) -> str:
        name = "--" + field[1].replace("_", "-")
        return name if name in options else field[1]

    return re.sub(r"`(\w+)`", option, message)


INPUT_ERRORS = (ExperimentError, PipelineError, MixError, ClassifierError)
