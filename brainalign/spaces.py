"""The types of a search space: constant, choice, range, layers, and dimensions under a condition. No Optuna here.

A study file spells a dimension in the shortest way that says it: ``0.1`` a constant, ``[50, 100]`` a choice,
``{low: 1, high: 10, log: true}`` a range. Layers are ``{start: …, width: …}`` (a run in relative depth; 0 is the first
layer, 1 the end of the last), ``{depth: …}`` (a single one there), ``{runs: [[7, 21]]}`` or ``{sets: [[3, 7, 11]]}``
(by index). Any of them with ``when: {loss: cosine}`` is searched only where the named choice has that value (or one of
a list); elsewhere the setting keeps the value of the method's source.
"""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from brainalign.errors import InputError

Scalar = bool | int | float | str


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Frozen):
    """One of several values, without order; a constant is a choice of one."""

    options: tuple[Scalar, ...] = Field(min_length=1)

    @field_validator("options")
    @classmethod
    def _different(cls, options: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        doubled = [option for i, option in enumerate(options) if option in options[:i]]  # 1, 1.0 and True are equal
        if doubled:
            raise ValueError(f"expected values that differ, found {doubled[0]!r} beside its equal")
        return options

    def grid(self) -> tuple[Scalar, ...]:
        """Return the values that a grid tries."""
        return self.options


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


class DepthRange(_Frozen):
    """A run of layers in relative depth: where it starts and how wide it is, both as shares of the number of layers."""

    start: Range
    width: Range

    @field_validator("start", "width", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return _number_is_constant(value)

    @model_validator(mode="after")
    def _inside_the_model(self) -> "DepthRange":
        if self.start.low < 0 or self.start.high >= 1 or self.width.low <= 0 or self.width.high > 1:
            raise ValueError("expected 0 <= start < 1 and 0 < width <= 1 as shares of the model's depth")
        return self


class LayerDepth(_Frozen):
    """A single layer by its relative depth: ``{depth: {low: 0.2, high: 0.8}}``."""

    depth: Range

    @field_validator("depth", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return _number_is_constant(value)

    @model_validator(mode="after")
    def _inside_the_model(self) -> "LayerDepth":
        if self.depth.low < 0 or self.depth.high >= 1:
            raise ValueError("expected 0 <= depth < 1 as a share of the model's depth")
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


class LayerSets(_Frozen):
    """A choice of sets of layers by index, counted from 0, neighbours or not: ``{sets: [[3, 7, 11], [20]]}``."""

    sets: tuple[tuple[int, ...], ...] = Field(min_length=1)

    @field_validator("sets")
    @classmethod
    def _ordered(cls, sets: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        for layers in sets:
            if not layers or layers[0] < 0 or list(layers) != sorted(set(layers)):
                raise ValueError(f"expected layers of at least 0 in rising order, found {list(layers)}")
        return sets


Unconditional = Choice | Range | DepthRange | LayerDepth | LayerRuns | LayerSets


class Condition(_Frozen):
    """A dimension that is searched only where other choices have given values: ``{low: 1, high: 9, when: {a: b}}``."""

    when: Mapping[str, tuple[Scalar, ...]] = Field(min_length=1)
    then: Unconditional

    @field_validator("when", mode="before")
    @classmethod
    def _one_or_several(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            raise ValueError(f"when: expected choices and their values such as {{loss: cosine}}, found {raw!r}")
        return {name: value if isinstance(value, (list, tuple)) else (value,) for name, value in raw.items()}

    def holds(self, flat: Mapping[str, Any]) -> bool:
        """Whether plain parameters meet the condition."""
        return all(flat.get(name) in values for name, values in self.when.items())


Dimension = Unconditional | Condition
Space = Mapping[str, Dimension]
_FORMS: tuple[tuple[type[_Frozen], str], ...] = (
    (Range, "low"),
    (DepthRange, "start"),
    (LayerDepth, "depth"),
    (LayerRuns, "runs"),
    (LayerSets, "sets"),
    (Choice, "options"),
)


def _number_is_constant(value: Any) -> Any:
    """Spell a bare number as a range of one point."""
    return {"low": value, "high": value} if isinstance(value, (int, float)) else value


def parse_dimension(name: str, raw: Any) -> Dimension:
    """Read a dimension as a study file spells it.

    Raises
    ------
    ValueError
        It is none of the forms, or it holds no point; the message begins with `name`.
    """
    try:
        return _parse(name, raw)
    except ValidationError as error:
        first = error.errors()[0]
        inner = "".join(f".{part}" for part in first["loc"] if isinstance(part, str) and part in _SPOKEN)
        raise ValueError(f"{name}{inner}: {first['msg'].removeprefix('Value error, ')}") from error


_SPOKEN = ("low", "high", "log", "integer", "grid_points", "start", "width", "depth", "runs", "sets", "options", "when")


def _parse(name: str, raw: Any) -> Dimension:
    if isinstance(raw, _Frozen):
        return raw  # type: ignore[return-value]
    if isinstance(raw, (list, tuple)):
        if not raw:
            raise ValueError(f"{name}: expected at least one value to choose from, found an empty list")
        return Choice(options=tuple(raw))
    if not isinstance(raw, Mapping):
        return Choice(options=(raw,))
    if "when" in raw:
        rest = raw["then"] if "then" in raw else {key: value for key, value in raw.items() if key != "when"}
        then = _parse(name, rest)
        if isinstance(then, Condition):
            raise ValueError(
                f"{name}: expected one condition, found one inside another: name all choices in one `when`"
            )
        return Condition(when=raw["when"], then=then)
    for form, key in _FORMS:
        if key in raw:
            _check_keys(name, raw, form)
            return form.model_validate(raw)  # type: ignore[return-value]
    raise ValueError(
        f"{name}: expected low/high, options, or start/width, depth, runs or sets of layers, found "
        f"{', '.join(map(str, raw)) or 'nothing'}"
    )


def _check_keys(name: str, raw: Mapping[str, Any], form: type[BaseModel]) -> None:
    valid = (*form.model_fields, "when")
    for key in raw:
        if key not in valid:
            raise ValueError(f"{name}: {unknown_key(str(key), valid)}")


def unknown_key(key: str, valid: Sequence[str]) -> str:
    """Say that a key is unknown, and the nearest valid one or all of them."""
    near = get_close_matches(key, valid, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(valid)}"
    return f"unknown key {key!r}: {hint}"


def check_conditions(space: Space) -> None:
    """Refuse conditions that nothing can meet.

    Raises
    ------
    ValueError
        A condition names no choice of the space, one that has a condition itself, or a value that is never taken.
    """
    for name, dimension in space.items():
        for other, values in dimension.when.items() if isinstance(dimension, Condition) else ():
            found = space.get(other)
            if not isinstance(found, Choice):
                raise ValueError(f"{name}: when: expected a choice without a condition, found {other!r}")
            for value in values:
                if value not in found.options:
                    options = ", ".join(map(str, found.options))
                    raise ValueError(f"{name}: when: {other}: expected one of {options}, found {value!r}")


def unconditional(dimension: Dimension) -> Unconditional:
    """Take a dimension without its condition."""
    return dimension.then if isinstance(dimension, Condition) else dimension


def flatten(space: Space) -> dict[str, Choice | Range]:
    """Spell a space as plain parameters, the form that samplers know: ``layers.start``, ``layers.width``, ``alpha``."""
    flat: dict[str, Choice | Range] = {}
    for name, given in space.items():
        dimension = unconditional(given)
        if isinstance(dimension, DepthRange):
            flat[f"{name}.start"], flat[f"{name}.width"] = dimension.start, dimension.width
        elif isinstance(dimension, LayerDepth):
            flat[f"{name}.depth"] = dimension.depth
        elif isinstance(dimension, LayerRuns):
            flat[f"{name}.run"] = Choice(options=tuple(f"{first}-{last}" for first, last in dimension.runs))
        elif isinstance(dimension, LayerSets):
            flat[f"{name}.set"] = Choice(options=tuple("-".join(map(str, layers)) for layers in dimension.sets))
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
    """All points of the space's grid as plain parameters, the names in alphabetical order, the last running fastest.

    A parameter whose condition a point does not meet is left out of it.
    """
    flat = dict(sorted(flatten(space).items()))
    conditions = {name: part for name, part in space.items() if isinstance(part, Condition)}
    points: dict[tuple[Any, ...], dict[str, Scalar]] = {}
    for values in product(*(part.grid() for part in flat.values())):
        point = dict(zip(flat, values, strict=True))
        closed = {name for name, condition in conditions.items() if not condition.holds(point)}
        kept = {name: value for name, value in point.items() if name.partition(".")[0] not in closed}
        points.setdefault(tuple(kept.items()), kept)
    return list(points.values())


def resolve_layers(layers: Mapping[str, Any], n_layers: int) -> tuple[int, ...]:
    """Layer indices that a setting's ``layers`` names in a model.

    A depth range covers ``floor(start · n_layers)`` and the ``floor(width · n_layers)`` layers from there (at least
    one, none past the last); start 0.25 and width 0.5 are the middle half of the source's method. A single depth is
    the layer ``floor(depth · n_layers)``.

    Raises
    ------
    InputError
        A layer named by its index is beyond the model.
    """
    if "run" in layers or "set" in layers:
        named = [int(index) for index in str(layers.get("run", layers.get("set"))).split("-")]
        if named[-1] >= n_layers:
            raise InputError(
                f"expected layers 0 to {n_layers - 1}, found {named[0]} to {named[-1]}: the model has {n_layers} layers"
            )
        return tuple(range(named[0], named[-1] + 1)) if "run" in layers else tuple(named)
    start, width = (layers["depth"], 0) if "depth" in layers else (layers["start"], layers["width"])
    first = min(int(start * n_layers + 1e-9), n_layers - 1)
    count = max(1, int(width * n_layers + 1e-9))
    return tuple(range(first, min(first + count, n_layers)))


def check_layers(name: str, dimension: Dimension, n_layers: int) -> None:
    """Check that every point of a dimension of layers lies in a model with so many layers.

    Raises
    ------
    InputError
        It is no dimension of layers, or names a layer beyond the model.
    """
    form = unconditional(dimension)
    if not isinstance(form, (DepthRange, LayerDepth, LayerRuns, LayerSets)):
        raise InputError(f"{name}: expected start and width or depth in relative depth, or runs or sets by index")
    if isinstance(form, (LayerRuns, LayerSets)):
        for part, choice in flatten({"layers": form}).items():
            for option in choice.grid():
                resolve_layers({part.partition(".")[2]: option}, n_layers)
