"""The method beside each control on the report part: paired difference, interval and what it shows in words."""

from dataclasses import dataclass
from typing import Any, Literal

from brainalign.errors import InputError
from brainalign.reports.estimates import Estimate
from brainalign.reports.numbers import count, interval_text
from brainalign.reports.records import ArmRecord, StudyRecord
from brainalign.steering.outcomes import compare

Verdict = Literal["better", "worse", "none", "absent"]


@dataclass(frozen=True)
class ArmComparison:
    """The method's winner minus a control's winner.

    ``difference`` is of net balanced accuracy over ``n_pairs`` (subject, problem) pairs of the report part; None where
    there is nothing to compare (verdict ``absent``), and then ``sentence`` says why.
    """

    model: str
    kind: str
    method: str
    control: str
    difference: Estimate | None
    n_pairs: int
    verdict: Verdict
    sentence: str

    @property
    def where(self) -> str:
        """What the comparison stands on, in words."""
        if self.difference is None:
            return "report part"
        return f"net balanced accuracy on the report part, {count(self.n_pairs)} (subject, problem) pairs"

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        difference = None if self.difference is None else self.difference.to_json()
        names = ("model", "kind", "method", "control", "n_pairs", "verdict", "sentence")
        return {**{name: getattr(self, name) for name in names}, "difference": difference}


def compare_arms(study: StudyRecord) -> list[ArmComparison]:
    """Compare the method with each control, for every (model, kind) whose kind selects a setting."""
    found = []
    for (_, kind), arms in study.groups.items():
        methods = [arm for arm in arms if arm.is_method]
        if study.selects(kind) and methods:
            found += [_compare(study, methods[0], arm) for arm in arms if not arm.is_method]
    return found


def verdict_of(difference: Estimate) -> Verdict:
    """Whether the interval lies above zero, below it, or holds it; without bounds nothing is claimed."""
    if difference.low is not None and difference.low > 0:
        return "better"
    if difference.high is not None and difference.high < 0:
        return "worse"
    return "none"


def verdict_sentence(method: str, control: str, difference: Estimate) -> str:
    """Say the finding as a plain sentence with its figures."""
    relation = {"better": "does better than", "worse": "does worse than", "none": "is not shown to differ from"}
    verdict = verdict_of(difference)
    closing = "; the interval includes 0" if verdict == "none" else ""
    if difference.low is None:
        closing = "; without an interval nothing more can be said"
    return f"{method} {relation[verdict]} {control}: {interval_text(difference, difference=True)}{closing}."


def _compare(study: StudyRecord, method: ArmRecord, control: ArmRecord) -> ArmComparison:
    results = [study.result(arm.winner_on_report) for arm in (method, control)]
    lacking = [arm.arm for arm, result in zip((method, control), results, strict=True) if result is None]
    if lacking or results[0] is None or results[1] is None:
        reason = f"{' and '.join(lacking)} {'have' if len(lacking) > 1 else 'has'} no winner on the report part yet"
        return _absent(method, control, reason)
    try:
        compared = compare(results[0].outcomes, results[1].outcomes)
    except InputError as error:
        return _absent(method, control, str(error))
    difference = Estimate.of(compared.interval)
    sentence = verdict_sentence(method.arm, control.arm, difference)
    return ArmComparison(
        method.model,
        method.kind,
        method.arm,
        control.arm,
        difference,
        compared.n_pairs,
        verdict_of(difference),
        sentence,
    )


def _absent(method: ArmRecord, control: ArmRecord, reason: str) -> ArmComparison:
    sentence = f"{method.arm} cannot be compared with {control.arm}: {reason}."
    return ArmComparison(method.model, method.kind, method.arm, control.arm, None, 0, "absent", sentence)
