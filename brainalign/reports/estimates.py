"""A figure with its interval, where it has one."""

from dataclasses import asdict, dataclass
from typing import Any

from brainalign.reports.numbers import is_number
from brainalign.statistics import Interval


@dataclass(frozen=True)
class Estimate:
    """A figure with bounds; ``low``, ``high`` and what made them are None where there is no interval."""

    estimate: float
    low: float | None = None
    high: float | None = None
    level: float | None = None
    n_resamples: int | None = None
    method: str | None = None

    @classmethod
    def of(cls, interval: Interval) -> "Estimate":
        """Take over an interval; bounds that are not finite count as none."""
        if not (is_number(interval.low) and is_number(interval.high)):
            return cls(float(interval.estimate))
        bounds = float(interval.low), float(interval.high)
        return cls(float(interval.estimate), *bounds, interval.level, interval.n_resamples, interval.method)

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object; None for a figure that is not finite."""
        return {**asdict(self), "estimate": self.estimate if is_number(self.estimate) else None}
