"""The exceptions of the platform.

Every message says what was expected, what was found and what to do. The command line prints it on one line and exits
with code 2.
"""


class BrainalignError(Exception):
    """Root of all errors that a user can mend."""


class InputError(BrainalignError):
    """A value, a file or a shape is not what it must be."""


class DataNotFoundError(InputError):
    """A data set was looked for and is not there."""


class ModelError(BrainalignError):
    """A model is unknown, absent or does not fit what is asked of it."""


class TrainingError(BrainalignError):
    """A training cannot go on, or a checkpoint is not one of this training."""


class StudyError(BrainalignError):
    """A study conflicts with what its store already holds, or its store cannot be read or written."""


class ClusterError(BrainalignError):
    """A Ray cluster cannot be reached or refuses what is asked of it."""


class NotFiniteError(BrainalignError):
    """A computation left the finite numbers; the message names the step."""
