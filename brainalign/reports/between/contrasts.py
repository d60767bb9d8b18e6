"""Paired differences between two studies: by problem for kinds with answers, by subject for kinds that measure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brainalign.artifacts import Result, Store, TrialRow, stream
from brainalign.errors import InputError
from brainalign.reports.between.comparable import Cell, cells, check_comparable, only_in_one, warnings
from brainalign.reports.between.contrast import Contrast, StudyComparison
from brainalign.reports.estimates import Estimate
from brainalign.reports.records import StudyRecord, read_study
from brainalign.reports.scores import parse_scores
from brainalign.statistics import CORRECTIONS, corrected, crossed_bootstrap, paired_test

_ROW = ["subject", "stimulus_id", "order"]
_COLUMNS = [*_ROW, "reasoning_type", "label", "targeted", "success"]
NET, AFTER, SCORE = "net balanced accuracy", "balanced accuracy after", "predictivity at the best layer"


def compare_studies(
    store: Store,
    first: str,
    second: str,
    *,
    other_store: Store | None = None,
    models: Mapping[str, str] | None = None,
) -> StudyComparison:
    """Compare the winners of two studies on the problems that no search has seen.

    Parameters
    ----------
    store : Store
        Holds the first study.
    first, second : str
        Their names.
    other_store : Store, optional
        Holds the second study; by default the same.
    models : mapping of str to str, optional
        Models of the first study and those of the second that they are set beside; by default equal ones.

    Raises
    ------
    StudyError
        A study is not there or cannot be read.
    InputError
        The studies do not stand on the same betas, subjects and problems, or have no arm in common.
    """
    one, other = read_study(store, first), read_study(other_store or store, second)
    check_comparable(one, other)
    shared = cells(one, other, models)
    found = [item for cell in shared for item in _contrasts_of(one, other, cell, shared)]
    return StudyComparison(
        one, other, _correct(found), tuple(warnings(one, other)), tuple(only_in_one(one, other, shared))
    )


def _correct(found: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """Put the corrected p-values in: one family over everything that is tested."""
    p_values = [float("nan") if item.test is None else item.test.p_value for item in found]
    by_method = {method: corrected(p_values, method) for method in CORRECTIONS}
    return tuple(
        replace(item, p_corrected={method: values[i] for method, values in by_method.items()})
        if item.test is not None
        else item
        for i, item in enumerate(found)
    )


def _contrasts_of(one: StudyRecord, other: StudyRecord, cell: Cell, shared: Sequence[Cell]) -> Iterator[Contrast]:
    """Give the contrast of a cell and, where it is a control, of the method above it."""
    if not one.selects(cell.kind):
        yield from _measured(one, other, cell)
        return
    yield _answers(cell.kind, cell.first.arm, cell.models, [_outcomes(one, other, cell)])
    if cell.first.is_method:
        return
    methods = [item for item in shared if (item.kind, item.models) == (cell.kind, cell.models) and item.first.is_method]
    for method in methods:
        tables = [_outcomes(one, other, method), _outcomes(one, other, cell)]
        yield _answers(cell.kind, f"{method.first.arm} − {cell.first.arm}", cell.models, tables)


_Sides = tuple[pd.DataFrame | None, pd.DataFrame | None]


def _outcomes(one: StudyRecord, other: StudyRecord, cell: Cell) -> _Sides:
    found = [study.result(arm.winner_on_report) for study, arm in ((one, cell.first), (other, cell.second))]
    first, second = (None if result is None or not result.outcomes.num_rows else _frame(result) for result in found)
    return first, second


def _frame(result: Result) -> pd.DataFrame:
    frame: pd.DataFrame = result.outcomes.select(_COLUMNS).to_pandas()
    sorted_ = frame.sort_values(_ROW, ignore_index=True)
    sorted_["net"] = np.where(sorted_.targeted, 1.0, -1.0) * sorted_.success
    sorted_["after"] = np.where(sorted_.targeted, sorted_.success, ~sorted_.success).astype(np.float64)
    return sorted_


def _answers(kind: str, arm: str, models: tuple[str, str], tables: Sequence[_Sides]) -> Contrast:
    """Contrast of an arm (one pair of tables), or of a method above a control (two)."""
    sides = [[table[side] for table in tables] for side in (0, 1)]
    lacking = [name for name, side in zip(("first", "second"), sides, strict=True) if any(t is None for t in side)]
    empty = Contrast(kind, arm, models, NET, "problem")
    if lacking:
        return replace(empty, missing=f"the {' and the '.join(lacking)} study has no winner on the report part yet")
    frames = [frame for side in sides for frame in side if frame is not None]
    if any(not frames[0][_ROW].equals(frame[_ROW]) for frame in frames[1:]):
        return replace(empty, missing="the answers are to other problems, subjects or orders")
    paired = len(tables) > 1 or frames[0].targeted.equals(frames[1].targeted)
    quantity = NET if paired else AFTER
    column = "net" if paired else "after"
    values = [_value([frame[column] for frame in side if frame is not None]) for side in sides]
    return _tested(replace(empty, quantity=quantity), frames[0], values)


def _value(columns: Sequence[pd.Series]) -> NDArray[np.float64]:
    """Take an arm's own values, or the method's minus the control's."""
    arrays = [column.to_numpy(dtype=np.float64) for column in columns]
    return arrays[0] if len(arrays) == 1 else arrays[0] - arrays[1]


def _tested(item: Contrast, rows: pd.DataFrame, values: Sequence[NDArray[np.float64]]) -> Contrast:
    difference = values[0] - values[1]
    names = (item.kind, item.arm, *item.models)
    labels, subjects, units = (rows[name].to_numpy() for name in ("label", "subject", "stimulus_id"))
    items = units if item.unit == "problem" else np.zeros(len(units))
    estimates = [
        Estimate.of(crossed_bootstrap(one, labels, subjects, items, rng=stream("reports.between", part, *names)))
        for part, one in zip(("first", "second", "difference"), (*values, difference), strict=True)
    ]
    test = paired_test(difference, labels, units, rng=stream("reports.between", "test", *names))
    by_unit = (
        rows.assign(first=values[0], second=values[1], difference=difference)
        .groupby(["stimulus_id", "reasoning_type", "label"], as_index=False)[["first", "second", "difference"]]
        .mean()
        .rename(columns={"stimulus_id": "unit", "reasoning_type": "type"})
    )
    return replace(item, first=estimates[0], second=estimates[1], difference=estimates[2], test=test, by_unit=by_unit)


def _measured(one: StudyRecord, other: StudyRecord, cell: Cell) -> Iterator[Contrast]:
    """Give contrasts of settings that both studies measured, subject by subject at each one's best layer."""
    for row in cell.first.complete:
        for same in cell.second.complete:
            if dict(row.setting) == dict(same.setting):
                yield _scored(cell, row, (one.result(row), other.result(same)))


def _scored(cell: Cell, row: TrialRow, results: tuple[Result | None, Result | None]) -> Contrast:
    arm = ", ".join([cell.first.arm, *(str(row.setting[name]) for name in ("roi", "subset") if name in row.setting)])
    empty = Contrast(cell.kind, arm, cell.models, SCORE, "subject")
    by_subject = [_subject_scores(result) for result in results]
    if not all(by_subject) or by_subject[0].keys() != by_subject[1].keys():
        return replace(empty, missing="the scores are not of the same subjects")
    names = sorted(by_subject[0])
    values = [np.array([scores[name] for name in names]) for scores in by_subject]
    rows = pd.DataFrame({"stimulus_id": names, "subject": names, "reasoning_type": "", "label": 0})
    return _tested(empty, rows, values)


def _subject_scores(result: Result | None) -> dict[str, float]:
    scores = None if result is None else parse_scores(result.detail)
    if result is None or scores is None or not scores.at_best.size:
        return {}
    names = list(result.detail["by_subject"])
    if len(names) != len(scores.at_best):
        raise InputError(f"expected scores of {len(names)} subjects in {result.key}, found {len(scores.at_best)}")
    return dict(zip(names, scores.at_best.tolist(), strict=True))
