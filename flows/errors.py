"""Mistakes that a user can mend, from every floor."""

from classifiers.errors import ClassifierError
from mixes.errors import MixError
from pipeline.errors import PipelineError


class ExperimentError(ValueError):
    """Bad input, in one line: what, where, the value, the fix."""


INPUT_ERRORS = (ExperimentError, PipelineError, MixError, ClassifierError)
