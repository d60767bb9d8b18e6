"""An estimate with its interval."""

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes
    ----------
    estimate, low, high
        In the unit of the values. Low and high are NaN where the data allow no interval.
    level
        Nominal coverage, between 0 and 1.
    n_resamples
        Bootstrap resamples behind it.
    method
        What was resampled and how the interval was made, in words.
    """

    estimate: float
    low: float
    high: float
    level: float
    n_resamples: int
    method: str

    def cut(self, low: float, high: float) -> "Interval":
        """Cut the bounds at the range that the quantity can have, 0 and 1 for a share; coverage stays what it was."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values; bounds that are NaN become None."""
        return {name: None if value != value else value for name, value in asdict(self).items()}
