"""Which settings an objective hangs on, by a forest's permutation importance on trials that it was not grown on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainalign.artifacts import stream_seed

FEWEST_TRIALS = 20
_N_TREES = 60
_REPEATS = 5


@dataclass(frozen=True)
class Importance:
    """Importances with what they are worth.

    Attributes
    ----------
    table : pandas.DataFrame
        ``setting``, ``importance`` (share of the variance that shuffling the setting costs, mean over repeats) and
        ``spread`` (standard deviation over repeats), the largest first; empty with too few trials.
    r_squared : float
        Of the forest on trials that it was not grown on. Near or below zero the importances mean nothing.
    n_trials : int
    """

    table: pd.DataFrame
    r_squared: float
    n_trials: int


def importances(frame: pd.DataFrame, columns: list[str], name: str) -> Importance:
    """Grow a forest on half of the trials and shuffle each setting on the other half.

    Parameters
    ----------
    frame : pandas.DataFrame
        As :func:`brainalign.reports.live.settings` gives it, of one arm.
    columns : list of str
        The settings.
    name : str
        Names the random stream.

    References
    ----------
    Breiman, L. (2001). Random forests. Machine Learning 45, 5-32. doi 10.1023/A:1010933404324
    """
    empty = pd.DataFrame(columns=["setting", "importance", "spread"])
    if len(frame) < FEWEST_TRIALS or not columns:
        return Importance(empty, float("nan"), len(frame))
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    coded = pd.DataFrame({column: _coded(frame[column]) for column in columns})
    objective = frame["objective"].to_numpy(dtype=np.float64)
    seed = stream_seed("reports.live.importance", name)
    grown = np.random.default_rng(seed).permutation(len(frame)) < len(frame) // 2
    forest = RandomForestRegressor(n_estimators=_N_TREES, min_samples_leaf=3, random_state=seed, n_jobs=1)
    forest.fit(coded[grown], objective[grown])
    tested = coded[~grown], objective[~grown]
    found = permutation_importance(forest, *tested, n_repeats=_REPEATS, random_state=seed, n_jobs=1)
    table = pd.DataFrame({"setting": columns, "importance": found.importances_mean, "spread": found.importances_std})
    table = table.sort_values("importance", ascending=False, ignore_index=True)
    return Importance(table, float(forest.score(*tested)), len(frame))


def _coded(column: pd.Series) -> pd.Series:
    """Numbers as they are, anything else as the number of its value."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers.astype(np.float64)
    return pd.Series(pd.factorize(column.astype(str), sort=True)[0], index=column.index).astype(np.float64)
