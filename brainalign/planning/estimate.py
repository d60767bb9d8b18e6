"""A figure that is not known yet, with its interval and where it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A figure with an interval (nominally 95 %) and its origin in words."""

    value: float
    low: float
    high: float
    origin: str = ""

    def times(self, factor: float) -> "Estimate":
        """Scale value and interval."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.origin)

    def to_json(self) -> dict[str, float]:
        """Return value, low and high."""
        return {"value": self.value, "low": self.low, "high": self.high}


def exactly(value: float, origin: str = "") -> Estimate:
    """Estimate without doubt."""
    return Estimate(value, value, value, origin)


def total(parts: Iterable[Estimate], origin: str = "") -> Estimate:
    """Add estimates whose errors go together: a device that is slower than stated is so for all of them."""
    kept = list(parts)
    value, low, high = (sum(getattr(part, end) for part in kept) for end in ("value", "low", "high"))
    return Estimate(value, low, high, origin)
