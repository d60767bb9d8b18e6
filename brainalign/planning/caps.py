"""Hard caps on what a study may spend."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from brainalign.errors import InputError


@dataclass(frozen=True)
class Spent:
    """What a study has spent, or what one more trial would.

    Attributes
    ----------
    trials : float
        Trials in a final state.
    gpu_hours, cpu_hours : float
        Hours that trials held GPUs and cores.
    wall_s : float
        Time that drivers ran, s, all runs together.
    disk_gib : float
        Files of the study and results that it points to, GiB.
    """

    trials: float = 0.0
    gpu_hours: float = 0.0
    cpu_hours: float = 0.0
    wall_s: float = 0.0
    disk_gib: float = 0.0

    def plus(self, other: "Spent") -> "Spent":
        """Add up, time on the wall as well."""
        return Spent(*(getattr(self, spec.name) + getattr(other, spec.name) for spec in fields(self)))


@dataclass(frozen=True)
class Caps:
    """Most of each that a study may spend; None where there is no cap."""

    trials: float | None = None
    gpu_hours: float | None = None
    cpu_hours: float | None = None
    wall_s: float | None = None
    disk_gib: float | None = None

    def passed(self, spent: Spent) -> str | None:
        """Name of the first cap that is passed, as a study file spells it; None where none is."""
        return next((f"max_{name}" for name, cap in self._given() if getattr(spent, name) > cap), None)

    def check(self, cheapest: Spent) -> None:
        """Refuse a cap below one trial.

        Parameters
        ----------
        cheapest : Spent
            The least that one trial may take.

        Raises
        ------
        InputError
            A cap that no trial could keep.
        """
        for name, cap in self._given():
            least = getattr(cheapest, name)
            if cap < least:
                raise InputError(
                    f"budget.max_{name}: expected room for one trial ({least:.3g}), found {cap:g}: raise the cap"
                )

    def _given(self) -> Iterator[tuple[str, float]]:
        for spec in fields(self):
            cap = getattr(self, spec.name)
            if cap is not None:
                yield spec.name, cap
