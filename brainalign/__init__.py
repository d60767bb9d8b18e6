"""Brainalign: hyperparameter and scaling studies of brain-guided language models.

The verbs of the command line are here as functions. They load what they need when they are first used, so that
``import brainalign`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_VERBS = {
    "load_betas": "brainalign.betas",
    "load_model": "brainalign.zoo",
    "extract": "brainalign.activations",
    "predictivity": "brainalign.encoding",
    "steer": "brainalign.steering",
    "evaluate": "brainalign.evaluation",
    "load_study": "brainalign.study",
    "run_study": "brainalign.search",
    "study_report": "brainalign.reports",
}

__all__ = [
    "__version__",
    "evaluate",
    "extract",
    "load_betas",
    "load_model",
    "load_study",
    "predictivity",
    "run_study",
    "steer",
    "study_report",
]

if TYPE_CHECKING:
    from brainalign.activations import extract
    from brainalign.betas import load_betas
    from brainalign.encoding import predictivity
    from brainalign.evaluation import evaluate
    from brainalign.reports import study_report
    from brainalign.search import run_study
    from brainalign.steering import steer
    from brainalign.study import load_study
    from brainalign.zoo import load_model


def __getattr__(name: str) -> Any:
    """Load a verb at its first use."""
    if name not in _VERBS:
        raise AttributeError(f"module 'brainalign' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_VERBS[name]), name)
