"""What a trial has to reach at its rungs: thresholds from the trials that it is compared with, known when it starts.

Pure functions of values at rungs, higher is better; and the rungs of a ledger's places made of them.
"""

import math
from collections.abc import Sequence

import numpy as np

from brainalign.search.ledger import Ledger
from brainalign.study import Place, StoppingSection, n_compared
from brainalign.trials import Rung, Rungs, values_at_rungs

PASSED, FAILED = None, math.inf


def asha_least(values: Sequence[float], reduction: int) -> float | None:
    """Least value that is among the best one of `reduction` of these and itself, at least the best one.

    Asynchronous successive halving without waiting (Li et al. 2020, arXiv:1810.05934), as in Optuna.
    """
    if not values:
        return None
    n_kept = max((len(values) + 1) // reduction, 1)
    return sorted(values, reverse=True)[n_kept - 1]


def median_least(values: Sequence[float]) -> float | None:
    """Median of what the others had."""
    return float(np.median(values)) if values else None


def promoted(values: dict[int, float], reduction: int) -> set[int]:
    """Numbers of a bracket's trials that go on: the best one of `reduction`, at least one; of equals the earlier."""
    n_kept = max(len(values) // reduction, 1)
    return set(sorted(values, key=lambda number: (-values[number], number))[:n_kept])


def rungs_of(ledger: Ledger, place: Place) -> Rungs:
    """Rungs that a trial starts with, or goes on with; none on the report part and where nothing is stopped."""
    section = ledger.study.kinds[place.branch.kind]
    stopping = section.stopping
    if stopping is None or place.part != "selection":
        return Rungs()
    if stopping.rule == "halving":
        return _halving(ledger, place, stopping)
    limit = n_compared(section, place.number) if section.reproducible else math.inf
    others = [values_at_rungs(row.metrics) for row in ledger.trials(place.branch) if row.number < limit]
    least = {at: [values[at] for values in others if at in values] for at in stopping.rungs}
    return Rungs(tuple(Rung(at, _least(least[at], stopping)) for at in stopping.rungs))


def _least(values: Sequence[float], stopping: StoppingSection) -> float | None:
    if len(values) < stopping.least:
        return None
    return asha_least(values, stopping.reduction) if stopping.rule == "asha" else median_least(values)


def _halving(ledger: Ledger, place: Place, stopping: StoppingSection) -> Rungs:
    """Rungs that are decided say whether the trial passed; at the first that is not it waits."""
    steps, pause = [], None
    for at in stopping.rungs:
        values = None if pause is not None else ledger.decided(place, at)
        if values is None and pause is None:
            pause = at
        is_out = (
            values is not None and place.number in values and place.number not in promoted(values, stopping.reduction)
        )
        steps.append(Rung(at, FAILED if is_out else PASSED))
    return Rungs(tuple(steps), pause, ledger.values_of(place), ledger.spent_s(place))
