"""Rungs: points on a trial's way where it is compared with others, and may be stopped or wait.

What a trial is compared with is known before it starts (see :mod:`brainalign.search.stopping`), so it carries with it,
for each rung, the least value to go on with, and decides for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["go", "stop", "pause"]
_METRIC = "rung."


@dataclass(frozen=True)
class RungUnit:
    """What a kind's rungs count.

    Attributes
    ----------
    name : str
        Such as ``"epochs"``.
    pauses : bool
        Whether a trial that waited at a rung goes on from there, rather than from its beginning.
    """

    name: str
    pauses: bool


EPOCHS = RungUnit("epochs", pauses=True)
CHECKS = RungUnit("checks", pauses=False)


@dataclass(frozen=True)
class Rung:
    """A point on a trial's way, and the least value to go on with; None where nothing is asked there."""

    at: int
    least: float | None = None


@dataclass(frozen=True)
class Rungs:
    """The rungs of one trial, in rising order.

    Attributes
    ----------
    steps : tuple of Rung
    pause : int or None
        The rung where it waits for the others of its bracket.
    known : mapping of int to float
        What it had where it waited before; of a trial that fails later this is kept, as others went by it.
    spent_s : float
        Time that it took up to where it waited, s.
    """

    steps: tuple[Rung, ...] = ()
    pause: int | None = None
    known: Mapping[int, float] = field(default_factory=dict)
    spent_s: float = 0.0

    def verdict(self, values: Mapping[int, float]) -> tuple[Verdict, dict[int, float]]:
        """Judge a trial by its values at the rungs that it has reached, higher is better.

        Returns
        -------
        verdict : {"go", "stop", "pause"}
        values : dict of int to float
            Those up to where it stops or waits; all of them where it goes on.
        """
        seen: dict[int, float] = {}
        for rung in self.steps:
            value = values.get(rung.at)
            if value is None:
                continue
            seen[rung.at] = value
            if rung.least is not None and value < rung.least:
                return "stop", seen
            if rung.at == self.pause:
                return "pause", seen
        return "go", seen

    @property
    def at(self) -> tuple[int, ...]:
        """Where the rungs are."""
        return tuple(rung.at for rung in self.steps)

    def halt(self, values: Mapping[int, float]) -> None:
        """Raise :class:`Halted` where a trial shall not go on."""
        verdict, seen = self.verdict(values)
        if verdict != "go":
            raise Halted(seen)


class Halted(Exception):  # noqa: N818 - no error: a trial was stopped at a rung, or waits there
    """Ends a trial at a rung; `values` are what it reached."""

    def __init__(self, values: Mapping[int, float]) -> None:
        super().__init__(f"halted at rung {max(values, default=None)}")
        self.values = dict(values)


def rung_metrics(values: Mapping[int, float]) -> dict[str, float]:
    """Spell values at rungs as metrics of a trial's row."""
    return {f"{_METRIC}{at}": value for at, value in values.items()}


def values_at_rungs(metrics: Mapping[str, float]) -> dict[int, float]:
    """Read values at rungs from the metrics of a trial's row."""
    return {int(name.removeprefix(_METRIC)): value for name, value in metrics.items() if name.startswith(_METRIC)}
