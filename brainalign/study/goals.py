"""What a search is after: its objectives, what it may not exceed, and which trial of many is the best by that."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from brainalign.artifacts import TrialRow

Direction = Literal["maximize", "minimize"]
MODELLED_COST = "modelled_cost_s"
"""What every kind can be searched for beside its own metrics: modelled seconds on one reference GPU, never measured."""


@dataclass(frozen=True)
class Goals:
    """Objectives and constraints of a kind's searches.

    Attributes
    ----------
    directions : mapping of str to str
        Metrics and whether to maximise or minimise each; the first is the one that winners are chosen by.
    upper, lower : mapping of str to float
        Most and least that a metric may be.
    """

    directions: Mapping[str, Direction]
    upper: Mapping[str, float] = field(default_factory=dict)
    lower: Mapping[str, float] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that a trial has to report."""
        return tuple(dict.fromkeys((*self.directions, *self.upper, *self.lower)))

    def values(self, row: TrialRow) -> tuple[float, ...] | None:
        """Give a finished trial's objectives; None where it failed or one of them is no finite number."""
        others = list(self.directions)[1:]
        found = [row.objective, *(row.metrics.get(name) for name in others)]
        finite = tuple(float(value) for value in found if value is not None and math.isfinite(value))
        return finite if row.state == "COMPLETE" and len(finite) == len(found) else None

    def violations(self, row: TrialRow) -> dict[str, float]:
        """By how much a trial misses each constraint: at most 0 where it is met, infinite where nothing is known."""
        over = {f"{name} at most {most:g}": (row.metrics.get(name), most, 1) for name, most in self.upper.items()}
        under = {f"{name} at least {least:g}": (row.metrics.get(name), least, -1) for name, least in self.lower.items()}
        return {
            name: math.inf if value is None or not math.isfinite(value) else sign * (value - bound)
            for name, (value, bound, sign) in {**over, **under}.items()
        }

    def is_feasible(self, row: TrialRow) -> bool:
        """Whether a trial meets all constraints."""
        return all(excess <= 0 for excess in self.violations(row).values())

    def scores(self, row: TrialRow) -> tuple[float, ...] | None:
        """Give a trial's objectives, turned so that more is better."""
        values = self.values(row)
        if values is None:
            return None
        signs = (1 if direction == "maximize" else -1 for direction in self.directions.values())
        return tuple(sign * value for sign, value in zip(signs, values, strict=True))

    def best(self, rows: Iterable[TrialRow], prefer: Collection[int] = ()) -> TrialRow | None:
        """Choose the winner of an arm's trials.

        The best by the first objective (of equals by the next ones, then one of the numbers in `prefer`, then the
        earliest) among the trials that meet all constraints; only where none does, the one that misses them least.
        """
        return next(iter(self.ranked(rows, prefer)), None)

    def ranked(self, rows: Iterable[TrialRow], prefer: Collection[int] = ()) -> list[TrialRow]:
        """Put an arm's trials that have all objectives in order, the one that :meth:`best` chooses first."""
        scored = [(row, scores) for row in rows if (scores := self.scores(row)) is not None]

        def rank(item: tuple[TrialRow, tuple[float, ...]]) -> tuple[object, ...]:
            row, scores = item
            excess = sum(max(0.0, value) for value in self.violations(row).values())
            return -excess, scores, row.number in prefer, -row.number

        return [row for row, _ in sorted(scored, key=rank, reverse=True)]

    def front(self, rows: Iterable[TrialRow]) -> list[TrialRow]:
        """Trials that no other one surpasses in all objectives together (the Pareto front), by the first objective.

        Trials that miss a constraint stand in it only where none meets them all.
        """
        scored = [(row, scores) for row in rows if (scores := self.scores(row)) is not None]
        met = [item for item in scored if self.is_feasible(item[0])]
        ordered = sorted(met or scored, key=lambda item: (item[1], -item[0].number), reverse=True)
        kept: list[tuple[TrialRow, tuple[float, ...]]] = []
        for row, scores in ordered:  # whatever dominates a trial stands before it
            if not any(_dominates(other, scores) for _, other in kept):
                kept.append((row, scores))
        return [row for row, _ in kept]


def front_to_json(goals: Goals, rows: Iterable[TrialRow]) -> list[dict[str, Any]]:
    """Spell a Pareto front as JSON: number, setting, objectives, and whether all constraints are met."""
    return [
        {
            "number": row.number,
            "setting": dict(row.setting),
            "objectives": dict(zip(goals.directions, goals.values(row) or (), strict=True)),
            "feasible": goals.is_feasible(row),
        }
        for row in goals.front(rows)
    ]


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))
