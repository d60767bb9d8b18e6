"""Robustness to the order of the premises, and what more training problems give, against size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from brainalign.reports.numbers import is_number
from brainalign.reports.records import StudyRecord
from brainalign.reports.scaling.sizes import ModelSize, model_sizes

ORDER_WORDS = {
    "accuracy": "all orders together",
    "worst_order": "the worst order",
    "all_orders": "right in every order",
}


@dataclass(frozen=True)
class Reading:
    """One winner's figure on the report part, in one study."""

    kind: str
    arm: str
    is_method: bool
    size: ModelSize
    study: str
    name: str
    value: float


def order_readings(studies: Sequence[StudyRecord]) -> list[Reading]:
    """Figures by premise order of every winner of the kinds that ask in several orders, and of the model before."""
    sizes = {size.name: size for size in model_sizes(studies)}
    return [reading for study in studies for reading in _of_study(study, sizes)]


def _of_study(study: StudyRecord, sizes: dict[str, ModelSize]) -> Iterator[Reading]:
    for arm in study.arms:
        result = study.result(arm.winner_on_report) if study.selects(arm.kind) else None
        if result is None:
            continue
        for when, words in (("after", arm.arm), ("before", "before training")):
            scores = result.detail.get(when)
            if isinstance(scores, dict) and (when == "after" or arm.is_method):
                for name in ORDER_WORDS:
                    if is_number(scores.get(name)):
                        is_method = arm.is_method and when == "after"
                        value = float(scores[name])
                        yield Reading(arm.kind, words, is_method, sizes[arm.model], study.name, name, value)


def data_readings(studies: Sequence[StudyRecord]) -> list[Reading]:
    """Objective of each arm's best setting by the problems that it trained on, where a study varies them."""
    sizes = {size.name: size for size in model_sizes(studies)}
    found = []
    for study in studies:
        for arm in study.arms:
            by_set: dict[str, list[float]] = {}
            for row in arm.complete:
                if "train_on" in row.setting and row.objective is not None:
                    by_set.setdefault(str(row.setting["train_on"]), []).append(float(row.objective))
            if len(by_set) > 1:
                found += [
                    Reading(arm.kind, arm.arm, arm.is_method, sizes[arm.model], study.name, name, max(values))
                    for name, values in by_set.items()
                ]
    return found


def means(readings: Sequence[Reading]) -> list[tuple[ModelSize, float]]:
    """Mean over studies of each model, by size."""
    values: dict[ModelSize, list[float]] = {}
    for reading in readings:
        values.setdefault(reading.size, []).append(reading.value)
    return [(size, float(np.mean(values[size]))) for size in sorted(values)]
