"""What a search mended and what it broke: rates, intervals and paired differences from outcome tables."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from brainalign.artifacts import OUTCOME_SCHEMA, stream
from brainalign.errors import InputError
from brainalign.statistics import Interval, crossed_bootstrap

Column = NDArray[Any]
_ROW = ("subject", "stimulus_id", "order")


@dataclass(frozen=True)
class Rates:
    """Rates over (subject, problem) pairs; None where there is no pair to count, never 0.

    Attributes
    ----------
    corrected : float or None
        Share of targeted pairs (model wrong, subject right) that found the right answer.
    broken : float or None
        Share of right pairs (both right) that found a valid wrong answer.
    n_targeted, n_right : int
        Pairs behind the two.
    net_accuracy : float or None
        (corrected pairs - broken pairs) / all pairs: the change of accuracy over the pairs.
    balanced_accuracy : float or None
        Mean over labels of the share of pairs that are right after the search.
    net_balanced_accuracy : float or None
        Mean over labels of the mean of +1 (corrected), -1 (broken) and 0.
    """

    corrected: float | None
    broken: float | None
    n_targeted: int
    n_right: int
    net_accuracy: float | None
    balanced_accuracy: float | None
    net_balanced_accuracy: float | None


@dataclass(frozen=True)
class OutcomeSummary:
    """One arm's outcomes in figures.

    Attributes
    ----------
    overall : Rates
    invalid : float or None
        Share of checks whose answer was neither True nor False.
    interval : Interval or None
        Of ``overall.net_balanced_accuracy``, resampling subjects and problems together; None without pairs.
    flip_all : float or None
        Net balanced accuracy that turning every pair's answer round would have: mean over labels of the share of
        targeted pairs minus that of right ones. A net figure below it can be had without knowing any answer.
    margin_change : float or None
        Mean over pairs of the True/False margin at the last check minus before, in logits: above 0 towards True. Pairs
        whose margin is not a number are left out.
    first_check_median, radius_median : float or None
        Of the successful pairs: index of the first successful check, and its radius in units of sigma.
    by_subject, by_type, by_label : mapping of str to Rates
    """

    overall: Rates
    invalid: float | None
    interval: Interval | None
    flip_all: float | None
    margin_change: float | None
    first_check_median: float | None
    radius_median: float | None
    by_subject: Mapping[str, Rates]
    by_type: Mapping[str, Rates]
    by_label: Mapping[str, Rates]

    def to_json(self) -> dict[str, Any]:
        """Return one flat JSON object: the overall rates beside the rest."""
        flat: dict[str, Any] = asdict(self.overall)
        for name in ("invalid", "flip_all", "margin_change", "first_check_median", "radius_median"):
            flat[name] = getattr(self, name)
        flat["interval"] = None if self.interval is None else self.interval.to_json()
        for name in ("by_subject", "by_type", "by_label"):
            flat[name] = {key: asdict(rates) for key, rates in getattr(self, name).items()}
        return flat

    def metrics(self) -> dict[str, float]:
        """Return the figures that are defined, as flat numbers for a trial's row."""
        flat = self.to_json()
        metrics = {name: float(value) for name, value in flat.items() if isinstance(value, (int, float))}
        for label, rates in flat["by_label"].items():
            for name in ("corrected", "broken"):
                if rates[name] is not None:
                    metrics[f"{name}_{label.lower()}"] = rates[name]
        return metrics


@dataclass(frozen=True)
class Comparison:
    """Paired difference of net balanced accuracy between two arms on the same pairs.

    ``interval.estimate`` is the difference; ``n_pairs`` counts the pairs.
    """

    first: str
    second: str
    interval: Interval
    n_pairs: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "first": self.first,
            "second": self.second,
            "interval": self.interval.to_json(),
            "n_pairs": self.n_pairs,
        }


def summarise(outcomes: pa.Table, *, n_resamples: int = 2000) -> OutcomeSummary:
    """Summarise one arm's outcomes.

    Parameters
    ----------
    outcomes : pyarrow.Table
        ``OUTCOME_SCHEMA``; may be empty.
    n_resamples : int
        Resamples of the crossed bootstrap behind the interval.

    Raises
    ------
    InputError
        Columns missing, or more than one arm in the table.
    """
    columns = _columns(outcomes)
    arm = _only_arm(columns)
    net = net_outcome(columns)
    success = columns["success"]
    return OutcomeSummary(
        overall=_rates(columns),
        invalid=_ratio(columns["n_invalid"].sum(), columns["n_checks"].sum()),
        interval=_interval(net, columns, (arm,), n_resamples) if len(net) else None,
        flip_all=_mean_over_labels(np.where(columns["targeted"], 1.0, -1.0), columns["label"]),
        margin_change=_mean_of_numbers(columns["margin_after"] - columns["margin_before"]),
        first_check_median=_median(columns["first_check"][success]),
        radius_median=_median(columns["radius"][success]),
        by_subject=_split_rates(columns, columns["subject"]),
        by_type=_split_rates(columns, columns["reasoning_type"]),
        by_label=_split_rates(columns, np.where(columns["label"], "True", "False")),
    )


def overall_rates(outcomes: pa.Table) -> Rates:
    """Rates of one arm over all its pairs, without the costly interval; raises like :func:`summarise`."""
    columns = _columns(outcomes)
    _only_arm(columns)
    return _rates(columns)


def compare(first: pa.Table, second: pa.Table, *, n_resamples: int = 2000) -> Comparison:
    """Compare two arms pair by pair: ``first`` minus ``second``.

    Raises
    ------
    InputError
        The tables are empty or do not hold the same (subject, stimulus, order) rows in the same state before steering.
    """
    one, two = _sorted(_columns(first)), _sorted(_columns(second))
    names = _only_arm(one), _only_arm(two)
    same = len(one["subject"]) == len(two["subject"]) and all(
        np.array_equal(one[name], two[name]) for name in (*_ROW, "label", "targeted")
    )
    if not same or not len(one["subject"]):
        raise InputError(
            f"expected the same (subject, stimulus, order) rows of {names[0]} and {names[1]}, found "
            f"{len(one['subject'])} and {len(two['subject'])} rows that differ: "
            "compare results of the same problems and model"
        )
    difference = net_outcome(one) - net_outcome(two)
    return Comparison(*names, _interval(difference, one, names, n_resamples), len(difference))


def net_after(outcomes: pa.Table, n_checks: int) -> float | None:
    """Net balanced accuracy that a search had after so many checks of each pair; None without pairs.

    A pair that succeeded leaves its search, so the first check that did says since when it counts.
    """
    columns = {name: outcomes[name].to_numpy(zero_copy_only=False) for name in ("label", "targeted", "first_check")}
    columns["success"] = (columns["first_check"] >= 0) & (columns["first_check"] < n_checks)
    return _mean_over_labels(net_outcome(columns), columns["label"])


def net_outcome(columns: Mapping[str, Column]) -> NDArray[np.float64]:
    """+1 for a corrected pair, -1 for a broken one, 0 otherwise."""
    sign: NDArray[np.float64] = np.where(columns["targeted"], 1.0, -1.0)
    return sign * columns["success"]


def _columns(table: pa.Table) -> dict[str, Column]:
    """Columns as arrays, checked for presence."""
    missing = [name for name in OUTCOME_SCHEMA.names if name not in table.column_names]
    if missing:
        raise InputError(f"expected the columns of an outcome table, found no {missing[0]}: pass the table of a search")
    strings = {field.name for field in OUTCOME_SCHEMA if pa.types.is_string(field.type)}
    return {
        name: np.array(table[name].to_pylist(), dtype=np.str_)
        if name in strings
        else table[name].to_numpy(zero_copy_only=False).astype(OUTCOME_SCHEMA.field(name).type.to_pandas_dtype())
        for name in OUTCOME_SCHEMA.names
    }


def _only_arm(columns: Mapping[str, Column]) -> str:
    arms = sorted(set(columns["arm"].tolist()))
    if len(arms) > 1:
        raise InputError(f"expected outcomes of one arm, found {', '.join(arms)}: summarise each arm on its own")
    return arms[0] if arms else ""


def _sorted(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Rows by subject, stimulus and order."""
    rows = np.lexsort([columns[name] for name in reversed(_ROW)])
    return {name: column[rows] for name, column in columns.items()}


def _rates(columns: Mapping[str, Column]) -> Rates:
    targeted, success, label = columns["targeted"], columns["success"], columns["label"]
    net = net_outcome(columns)
    right_after = np.where(targeted, success, ~success)
    return Rates(
        corrected=_mean(success[targeted]),
        broken=_mean(success[~targeted]),
        n_targeted=int(targeted.sum()),
        n_right=int((~targeted).sum()),
        net_accuracy=_mean(net),
        balanced_accuracy=_mean_over_labels(right_after, label),
        net_balanced_accuracy=_mean_over_labels(net, label),
    )


def _split_rates(columns: Mapping[str, Column], by: Column) -> dict[str, Rates]:
    """Rates of each value of a column."""
    return {
        str(value): _rates({name: column[by == value] for name, column in columns.items()}) for value in np.unique(by)
    }


def _interval(
    values: NDArray[np.float64], columns: Mapping[str, Column], names: tuple[str, ...], n_resamples: int
) -> Interval:
    """Crossed bootstrap interval of the mean over labels, from a stream named after what is compared."""
    return crossed_bootstrap(
        values,
        columns["label"].astype(np.int64),
        np.unique(columns["subject"], return_inverse=True)[1],
        np.unique(columns["stimulus_id"], return_inverse=True)[1],
        rng=stream("steering.outcomes", *names),
        n_resamples=n_resamples,
    )


def _mean_over_labels(values: Column, label: Column) -> float | None:
    means = [float(values[label == value].mean()) for value in (True, False) if np.any(label == value)]
    return float(np.mean(means)) if means else None


def _mean(values: Column) -> float | None:
    return float(values.mean(dtype=np.float64)) if len(values) else None


def _mean_of_numbers(values: Column) -> float | None:
    return _mean(values[np.isfinite(values)])


def _median(values: Column) -> float | None:
    return float(np.median(values)) if len(values) else None


def _ratio(count: float, of: float) -> float | None:
    return float(count / of) if of else None
