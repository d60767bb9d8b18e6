"""What the surface of the problems alone tells: the accuracy to beat before anything has been reasoned about."""

from collections.abc import Mapping, Sequence

import numpy as np

from brainalign.reports.numbers import is_number
from brainalign.reports.records import StudyRecord, section
from brainalign.stimuli import ALL_REASONING_TYPES, generate_problems, shortcut_scores
from brainalign.trials.tuning import VOCABULARIES


def shortcut_accuracy(studies: Sequence[StudyRecord], kind: str) -> float | None:
    """Balanced accuracy of the surface classifier on the problems that winners of a kind are reported on.

    Kinds that fine-tune ask generated problems, which are made again here; the others ask those of the data, whose
    classifier stands in the manifest since the study began. None where it does not.
    """
    sizes = {
        int(row.setting["test_problems"])
        for study in studies
        for arm in study.arms
        if arm.kind == kind and (row := arm.winner_on_report) is not None and "test_problems" in row.setting
    }
    present = section(studies[0].data, "problem_types")
    types = tuple(name for name in sorted(ALL_REASONING_TYPES) if name in present)
    if sizes and types:
        problems = generate_problems(max(sizes), 0, reasoning_types=types, vocabulary=VOCABULARIES["report"])
        return _mean({name: found.to_json() for name, found in shortcut_scores(problems).items()})
    return None if sizes else _mean(section(studies[0].manifest, "shortcut"))


def _mean(by_type: Mapping[str, Mapping[str, float]]) -> float | None:
    """Mean over types of reasoning, each by its number of problems."""
    found = [(scores.get("balanced_accuracy"), scores.get("n")) for scores in by_type.values()]
    usable = [(value, n) for value, n in found if is_number(value) and is_number(n)]
    return float(np.average([value for value, _ in usable], weights=[n for _, n in usable])) if usable else None
