"""A figure with its interval, where it has one."""

from dataclasses import asdict, dataclass
from typing import Any

from brainalign.reports.numbers import is_number
from brainalign.statistics import Interval


@dataclass(frozen=True)
class Estimate:
    """A figure with bounds; ``low``, ``high``, ``level`` and ``n_resamples`` are None where there is no interval."""

    estimate: float
    low: float | None = None
    high: float | None = None
    level: float | None = None
    n_resamples: int | None = None

    @classmethod
    def of(cls, interval: Interval) -> "Estimate":
        """Take over an interval; bounds that are not finite count as none."""
        if not (is_number(interval.low) and is_number(interval.high)):
            return cls(float(interval.estimate))
        return cls(
            float(interval.estimate), float(interval.low), float(interval.high), interval.level, interval.n_resamples
        )

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object; None for a figure that is not finite."""
        return {name: value if value is None or is_number(value) else None for name, value in asdict(self).items()}
