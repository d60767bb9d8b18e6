"""A budget for the checkpoints of a whole study: weights of dominated trials go first, those of winners never."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from brainalign.errors import StudyError


@dataclass(frozen=True)
class KeptWeights:
    """Checkpoints of one trial.

    Attributes
    ----------
    trial : str
        Its folder's name.
    objective : float or None
        Higher is better; None while the trial runs.
    n_bytes : int
    is_winner : bool
        Whether it is the best of its search, or stands in a report.
    """

    trial: str
    objective: float | None
    n_bytes: int
    is_winner: bool


def choose_deletions(kept: Iterable[KeptWeights], budget_bytes: int) -> tuple[str, ...]:
    """Choose the trials whose weights are deleted until the rest fits a budget.

    Those with the smallest objective go first; of equal ones the larger, then by name. A winner and a running trial
    stay, so the rest may still be above the budget.
    """
    every = list(kept)
    excess = sum(weights.n_bytes for weights in every) - budget_bytes
    finished = [
        (weights.objective, -weights.n_bytes, weights.trial)
        for weights in every
        if weights.objective is not None and not weights.is_winner
    ]
    chosen = []
    for _, negative_bytes, trial in sorted(finished):
        if excess <= 0:
            break
        if negative_bytes:
            chosen.append(trial)
            excess += negative_bytes
    return tuple(chosen)


def measure_weights(folder: Path) -> int:
    """Bytes of a trial's checkpoints; 0 where there are none."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def keep_within(root: Path, trials: Iterable[KeptWeights], budget_bytes: int) -> tuple[str, ...]:
    """Delete weights under `root` (a folder a trial) until they fit the budget; the trials whose weights went.

    Raises
    ------
    StudyError
        A folder cannot be deleted.
    """
    chosen = choose_deletions(trials, budget_bytes)
    for trial in chosen:
        try:
            shutil.rmtree(root / trial)
        except FileNotFoundError:
            continue  # another worker was as quick
        except OSError as error:
            raise StudyError(
                f"expected to delete the weights in {root / trial}, found {error.strerror}: check its permissions"
            ) from error
    return chosen
