"""Checks of a kind's space before the first trial: no point of it may fail on a worker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from brainalign.errors import InputError
from brainalign.spaces import Choice, Dimension, Range, Space, parse_dimension


def check_choices(kind: str, space: Space, valid: Mapping[str, Sequence[Any]]) -> None:
    """Raise InputError where a dimension has a value that is none of the valid ones."""
    for name, options in valid.items():
        for value in points(space, name):
            if value not in options:
                raise InputError(f"{kind}: {name}: expected one of {', '.join(map(str, options))}, found {value!r}")


def check_numbers(kind: str, space: Space, least: Mapping[str, float], whole: Sequence[str] = ()) -> None:
    """Raise InputError where a dimension has a value below the least one, or a broken one where it has to be whole."""
    for name, bound in least.items():
        for value in points(space, name):
            if not isinstance(value, (int, float)) or value < bound:
                raise InputError(
                    f"{kind}: {name}: expected numbers of at least {bound}, found {value!r}: mend the range"
                )
    for name in whole:
        dimension = space[name]
        if isinstance(dimension, Range) and not dimension.integer:
            raise InputError(f"{kind}: {name}: expected whole numbers, found a range of any: add `integer: true`")
        if any(value != int(value) for value in points(space, name)):
            raise InputError(f"{kind}: {name}: expected whole numbers, found {tuple(points(space, name))}")


def points(space: Space, name: str) -> Iterable[Any]:
    """Values of a dimension that a grid would try; none for a range of layers."""
    dimension = space[name]
    return dimension.grid() if isinstance(dimension, (Choice, Range)) else ()


def one_point(setting: Mapping[str, Any]) -> Space:
    """Spell a setting as the space that holds it and nothing else.

    Raises
    ------
    ValueError
        A value is no value of a setting.
    """
    return {name: _fixed(value) for name, value in setting.items()}


def _fixed(value: Any) -> Dimension:
    if isinstance(value, Mapping) and "run" in value:
        first, _, last = str(value["run"]).partition("-")
        return parse_dimension("run", {"runs": [[first, last or first]]})
    if isinstance(value, Mapping) and "set" in value:
        return parse_dimension("set", {"sets": [str(value["set"]).split("-")]})
    return parse_dimension("value", value) if isinstance(value, Mapping) else Choice(options=(value,))
