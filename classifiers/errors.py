"""The one error of this floor that a user can mend."""


class ClassifierError(ValueError):
    """Bad input, in one line: what, where, the value, the fix. The CLI prints it and exits with 2."""
