"""How the reports write numbers: one rounding rule, ASCII signs, and a dash for what was not measured."""

import math
from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

NOT_MEASURED = "–"
"""Shown where a figure does not exist; never an empty cell, which could be a fault of the page."""


class HasBounds(Protocol):
    """Anything with an estimate and two bounds (`brainalign.statistics.Interval`)."""

    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a finite real number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decimal(value: float | None, digits: int = 3) -> str:
    """Fixed-point text; no negative zero; a dash for None, NaN and infinities."""
    if value is None or not is_number(value):
        return NOT_MEASURED
    rounded = round(float(value), digits)
    return f"{rounded + 0.0:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """As `decimal`, with a plus sign on positive values: for differences."""
    text = decimal(value, digits)
    return f"+{text}" if value is not None and is_number(value) and round(float(value), digits) > 0 else text


def interval_text(interval: HasBounds | None, *, difference: bool = False) -> str:
    """`0.214 [0.170, 0.252]`; the estimate alone where the bounds do not exist."""
    if interval is None or not is_number(interval.estimate):
        return NOT_MEASURED
    estimate = signed(interval.estimate) if difference else decimal(interval.estimate)
    if not (is_number(interval.low) and is_number(interval.high)):
        return f"{estimate} (no interval)"
    return f"{estimate} [{decimal(interval.low)}, {decimal(interval.high)}]"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share of 1 as a percentage, `41.3 %`."""
    return NOT_MEASURED if share is None or not is_number(share) else f"{decimal(100.0 * share, digits)} %"


def rate(share: float | None, n: float | None) -> str:
    """Write a share with the number of cases that it is a share of, `41.3 % of 120`."""
    if not n:
        return "none to count"
    return f"{percent(share)} of {count(n)}"


def count(value: float | None) -> str:
    """Write a whole number with thin thousands groups, `12 000`."""
    if value is None or not is_number(value):
        return NOT_MEASURED
    return f"{round(value):,}".replace(",", "\u202f")


def duration(seconds: float | None) -> str:
    """Seconds in the largest unit that keeps two figures: `0.4 s`, `12 s`, `3.1 min`, `2.4 h`."""
    if seconds is None or not is_number(seconds):
        return NOT_MEASURED
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def plain(value: Any) -> str:
    """One setting's value as a reader would write it: short floats, ranges with an en dash, no quotes."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) if value else "none"
    return str(value)


def setting_text(setting: Mapping[str, Any]) -> str:
    """Write a whole setting on one line, `alpha 2.5; layers 0.25, 0.75; roi language`."""
    return "; ".join(f"{key} {plain(setting[key])}" for key in sorted(setting)) or "no settings"
