"""Searches: Ray Tune as the driver, Optuna's suggestions, workers that keep a model loaded, resume and verification."""

from brainalign.search.driver import StudyRun, run_study
from brainalign.search.ledger import Ledger
from brainalign.search.preparation import prepare
from brainalign.search.progress import Listener, StudyProgress
from brainalign.search.verification import Verification, stored_study, verify_study

__all__ = [
    "Ledger",
    "Listener",
    "StudyProgress",
    "StudyRun",
    "Verification",
    "prepare",
    "run_study",
    "stored_study",
    "verify_study",
]
