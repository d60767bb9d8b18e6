"""A paired difference between two studies, and all of them together: figures, verdicts and words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from brainalign.reports.estimates import Estimate
from brainalign.reports.numbers import decimal, interval_text
from brainalign.reports.records import StudyRecord
from brainalign.statistics import CORRECTIONS, PairedTest

ALPHA = 0.05


@dataclass(frozen=True)
class Contrast:
    """One paired difference, the first study minus the second.

    Attributes
    ----------
    kind, arm : str
        ``arm`` is ``"guided"``, or ``"guided − bias"`` for what the method has above a control.
    models : tuple of str
        Model in the first study, and in the second.
    quantity, unit : str
        What is compared, and what the test pairs: ``"problem"`` or ``"subject"``.
    first, second, difference : Estimate or None
        With 95 % intervals. None where there is nothing to compare, and then ``missing`` says why.
    test : PairedTest or None
    p_corrected : mapping of str to float
        By correction, over all tests of the comparison; NaN where none could be made.
    by_unit : pandas.DataFrame
        A row a problem or subject: ``unit``, ``type``, ``label``, ``first``, ``second``, ``difference``.
    """

    kind: str
    arm: str
    models: tuple[str, str]
    quantity: str
    unit: str
    first: Estimate | None = None
    second: Estimate | None = None
    difference: Estimate | None = None
    test: PairedTest | None = None
    p_corrected: Mapping[str, float] = field(default_factory=dict)
    by_unit: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)
    missing: str = ""

    @property
    def where(self) -> str:
        """Kind and models in words."""
        one, other = self.models
        return f"{self.kind} on {one}" if one == other else f"{self.kind} on {one} and on {other}"

    @property
    def n_won(self) -> int:
        """Units on which the first study is above the second."""
        return int((self.by_unit["difference"] > 1e-12).sum()) if len(self.by_unit) else 0

    @property
    def n_lost(self) -> int:
        """Units on which it is below."""
        return int((self.by_unit["difference"] < -1e-12).sum()) if len(self.by_unit) else 0

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``none`` by Holm's corrected p-value; ``absent`` without a test."""
        if self.test is None or self.difference is None:
            return "absent"
        if not self.p_corrected.get("holm", 1.0) < ALPHA:
            return "none"
        return "better" if self.difference.estimate > 0 else "worse"

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        estimates = {name: getattr(self, name) for name in ("first", "second", "difference")}
        test = None if self.test is None else {**vars(self.test), "p_value": _finite(self.test.p_value)}
        return {
            **{name: getattr(self, name) for name in ("kind", "arm", "quantity", "unit", "missing", "verdict")},
            "models": list(self.models),
            **{name: None if value is None else value.to_json() for name, value in estimates.items()},
            "test": test,
            "p_corrected": {name: _finite(value) for name, value in self.p_corrected.items()},
            "n_won": self.n_won,
            "n_lost": self.n_lost,
            "by_unit": self.by_unit.to_dict("records"),
        }


@dataclass(frozen=True)
class StudyComparison:
    """Two studies beside each other."""

    first: StudyRecord
    second: StudyRecord
    contrasts: tuple[Contrast, ...]
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def n_tests(self) -> int:
        """Tests of the family that is corrected for."""
        return sum(item.test is not None and item.test.p_value == item.test.p_value for item in self.contrasts)

    @property
    def simulated(self) -> bool:
        """Whether either study stands on simulated betas."""
        return self.first.simulated or self.second.simulated

    def sentence(self, item: Contrast) -> str:
        """Say a finding in words, with its figures."""
        who = f"{item.arm}, {item.where}"
        if item.test is None or item.difference is None:
            return f"{who}: nothing to compare, {item.missing}."
        relation = {"better": "is above", "worse": "is below", "none": "is not shown to differ from"}[item.verdict]
        told = f"{self.first.name} {relation} {self.second.name} by {interval_text(item.difference, difference=True)}"
        if item.verdict == "none":
            told = f"{self.first.name} {relation} {self.second.name}: {interval_text(item.difference, difference=True)}"
        holm = item.p_corrected.get("holm", float("nan"))
        if holm != holm:
            return f"{who}: {told}; no {item.unit} differs, so nothing is tested."
        return f"{who}: {told} (p {p_text(item.test.p_value)}, corrected for {self.n_tests} tests {p_text(holm)})."

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {
            "first": self.first.name,
            "second": self.second.name,
            "simulated": self.simulated,
            "n_tests": self.n_tests,
            "corrections": list(CORRECTIONS),
            "contrasts": [{**item.to_json(), "sentence": self.sentence(item)} for item in self.contrasts],
            "warnings": list(self.warnings),
            "left_out": list(self.left_out),
        }


def p_text(p: float) -> str:
    """Write a p-value with three digits, never as zero."""
    return "–" if p != p else "< 0.001" if p < 0.001 else f"= {decimal(p)}"


def _finite(value: float) -> float | None:
    return value if value == value else None
