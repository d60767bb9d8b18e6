"""What training mended and broke: a model's answers before and after, problem by problem and order by order."""

import numpy as np
import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.errors import InputError
from brainalign.evaluation.order_answers import OrderAnswers

MODEL = "model"
"""Stands where steering has a subject: a tuned model is one for all of them."""


def tuning_outcomes(before: OrderAnswers, after: OrderAnswers, key: str, arm: str) -> pa.Table:
    """Set the answers of a trained model beside those of its base, a row a problem and order.

    Parameters
    ----------
    before, after : OrderAnswers
        The same problems in the same orders.
    key, arm : str
        Result and arm of the rows.

    Returns
    -------
    pyarrow.Table
        ``OUTCOME_SCHEMA``. ``targeted`` are rows that the base had wrong (neither True nor False is wrong); ``success``
        says of them that the trained model is right, and of the others that it is wrong. There is one check a row.

    Raises
    ------
    InputError
        Problems or orders differ.
    """
    same = before.problems.ids == after.problems.ids and all(
        np.array_equal(one, two) for one, two in zip(before.orders, after.orders, strict=False)
    )
    if not same or len(before.answer) != len(after.answer):
        raise InputError(
            f"expected the same problems in the same orders before and after, found {len(before.answer)} and "
            f"{len(after.answer)} answers: ask both models alike"
        )
    labels = before.problems.labels[before.rows].astype(bool)
    wrong = before.answer != labels
    columns = {
        "result_key": np.full(len(wrong), key),
        "arm": np.full(len(wrong), arm),
        "subject": np.full(len(wrong), MODEL),
        "stimulus_id": np.array(before.problems.ids)[before.rows],
        "order": np.concatenate([np.arange(len(orders)) for orders in before.orders]).astype(np.int32),
        "reasoning_type": before.problems.types[before.rows],
        "label": labels,
        "targeted": wrong,
        "success": np.where(wrong, after.answer == labels, after.answer != labels),
        "first_check": np.zeros(len(wrong), dtype=np.int32),
        "radius": np.zeros(len(wrong), dtype=np.float32),
        "n_checks": np.ones(len(wrong), dtype=np.int32),
        "n_invalid": (after.answer < 0).astype(np.int32),
        "margin_before": before.margin,
        "margin_after": after.margin,
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in OUTCOME_SCHEMA})
