"""The types of a search space: constant, choice, range and a range of layers in relative depth. Nothing of Optuna here.

A study file spells a dimension in the shortest way that says it: ``0.1`` a constant, ``[50, 100]`` a choice,
``{low: 1, high: 10, log: true}`` a range, ``{start: …, width: …}`` layers in relative depth (0 is the first layer, 1
the end of the last).
"""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import product
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from brainalign.errors import InputError

Scalar = bool | int | float | str


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Frozen):
    """One of several values, without order; a constant is a choice of one."""

    options: tuple[Scalar, ...] = Field(min_length=1)

    def grid(self) -> tuple[Scalar, ...]:
        """Return the values that a grid tries."""
        return self.options

    def contains(self, value: Any) -> bool:
        """Whether the value is one of the options, of the same type."""
        return any(value == option and type(value) is type(option) for option in self.options)


class Range(_Frozen):
    """Numbers from ``low`` to ``high``, both included; whole numbers where ``integer`` says so."""

    low: float
    high: float
    log: bool = False
    integer: bool = False
    grid_points: Annotated[int, Field(ge=2)] = 4

    @model_validator(mode="after")
    def _has_points(self) -> "Range":
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"expected low <= high, both finite, found low {self.low}, high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"expected low > 0 on a log scale, found {self.low}")
        if self.integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"expected whole ends of an integer range, found {self.low} and {self.high}")
        return self

    def grid(self) -> tuple[Scalar, ...]:
        """Return the values that a grid tries: evenly spaced, on the log scale where the range is."""
        ends = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        steps = [ends[0] + (ends[1] - ends[0]) * i / (self.grid_points - 1) for i in range(self.grid_points)]
        values = [min(max(math.exp(step) if self.log else step, self.low), self.high) for step in steps]
        return tuple(dict.fromkeys(round(value) if self.integer else value for value in values))

    def contains(self, value: Any) -> bool:
        """Whether the value is a number inside the range."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high


class DepthRange(_Frozen):
    """A run of layers in relative depth: where it starts and how wide it is, both as shares of the number of layers."""

    start: Range
    width: Range

    @field_validator("start", "width", mode="before")
    @classmethod
    def _number_is_constant(cls, value: Any) -> Any:
        return {"low": value, "high": value} if isinstance(value, (int, float)) else value

    @model_validator(mode="after")
    def _inside_the_model(self) -> "DepthRange":
        if self.start.low < 0 or self.start.high >= 1 or self.width.low <= 0 or self.width.high > 1:
            raise ValueError("expected 0 <= start < 1 and 0 < width <= 1 as shares of the model's depth")
        return self


class LayerRuns(_Frozen):
    """A choice of runs of layers by index, both ends included, counted from 0: ``{runs: [[7, 21], [10, 12]]}``."""

    runs: tuple[tuple[int, int], ...] = Field(min_length=1)

    @field_validator("runs")
    @classmethod
    def _ordered(cls, runs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        for first, last in runs:
            if not 0 <= first <= last:
                raise ValueError(f"expected 0 <= first <= last, found [{first}, {last}]")
        return runs


Dimension = Choice | Range | DepthRange | LayerRuns
Space = Mapping[str, Dimension]


def parse_dimension(name: str, raw: Any) -> Dimension:
    """Read a dimension as a study file spells it.

    Raises
    ------
    ValueError
        It is none of the four forms, or it holds no point.
    """
    if isinstance(raw, (Choice, Range, DepthRange, LayerRuns)):
        return raw
    if isinstance(raw, (list, tuple)):
        if not raw:
            raise ValueError(f"{name}: expected at least one value to choose from, found an empty list")
        return Choice(options=tuple(raw))
    if isinstance(raw, Mapping):
        for form, key in ((Range, "low"), (DepthRange, "start"), (LayerRuns, "runs"), (Choice, "options")):
            if key in raw:
                _check_keys(name, raw, form)
                return form.model_validate(raw)  # type: ignore[attr-defined, no-any-return]
        raise ValueError(
            f"{name}: expected low/high, start/width or runs, found {', '.join(map(str, raw)) or 'nothing'}"
        )
    return Choice(options=(raw,))


def _check_keys(name: str, raw: Mapping[str, Any], form: type[BaseModel]) -> None:
    for key in raw:
        if key not in form.model_fields:
            near = get_close_matches(str(key), form.model_fields, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(form.model_fields)}"
            raise ValueError(f"{name}: unknown key {key!r}: {hint}")


def flatten(space: Space) -> dict[str, Choice | Range]:
    """Spell a space as plain parameters, the form that samplers know: ``layers.start``, ``layers.width``, ``alpha``."""
    flat: dict[str, Choice | Range] = {}
    for name, dimension in space.items():
        if isinstance(dimension, DepthRange):
            flat[f"{name}.start"], flat[f"{name}.width"] = dimension.start, dimension.width
        elif isinstance(dimension, LayerRuns):
            flat[f"{name}.run"] = Choice(options=tuple(f"{first}-{last}" for first, last in dimension.runs))
        else:
            flat[name] = dimension
    return flat


def nest(flat: Mapping[str, Scalar]) -> dict[str, Any]:
    """Turn plain parameters back into a setting: ``layers.start`` becomes ``{"layers": {"start": …}}``."""
    setting: dict[str, Any] = {}
    for name, value in flat.items():
        outer, _, inner = name.partition(".")
        if inner:
            setting.setdefault(outer, {})[inner] = value
        else:
            setting[outer] = value
    return setting


def unnest(setting: Mapping[str, Any]) -> dict[str, Scalar]:
    """Spell a setting as plain parameters; the inverse of :func:`nest`."""
    flat: dict[str, Scalar] = {}
    for name, value in setting.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        else:
            flat[name] = value
    return flat


def grid(space: Space) -> list[dict[str, Scalar]]:
    """All points of the space's grid as plain parameters, the last name running fastest."""
    flat = flatten(space)
    return [dict(zip(flat, values, strict=True)) for values in product(*(part.grid() for part in flat.values()))]


def resolve_layers(layers: Mapping[str, Any], n_layers: int) -> tuple[int, ...]:
    """Layer indices that a setting's ``layers`` names in a model.

    A depth range covers ``floor(start · n_layers)`` and the ``floor(width · n_layers)`` layers from there (at least
    one, none past the last); start 0.25 and width 0.5 are the middle half of the source's method.

    Raises
    ------
    InputError
        The run of layers reaches beyond the model.
    """
    if "run" in layers:
        first, last = (int(end) for end in str(layers["run"]).split("-"))
        if last >= n_layers:
            raise InputError(
                f"expected layers 0 to {n_layers - 1}, found {first} to {last}: the model has {n_layers} layers"
            )
        return tuple(range(first, last + 1))
    first = min(int(layers["start"] * n_layers + 1e-9), n_layers - 1)
    count = max(1, int(layers["width"] * n_layers + 1e-9))
    return tuple(range(first, min(first + count, n_layers)))
