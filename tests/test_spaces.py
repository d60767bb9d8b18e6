"""Search spaces: what a study file may spell, and what a setting means on a model."""

import math

import pytest
from pydantic import ValidationError

from brainalign.errors import InputError
from brainalign.spaces import (
    Choice,
    DepthRange,
    LayerRuns,
    Range,
    flatten,
    grid,
    nest,
    parse_dimension,
    resolve_layers,
    unnest,
)


def test_short_spellings() -> None:
    assert parse_dimension("a", 0.1) == Choice(options=(0.1,))
    assert parse_dimension("a", [1, 2]) == Choice(options=(1, 2))
    assert parse_dimension("a", {"low": 1, "high": 10, "log": True}) == Range(low=1, high=10, log=True)
    assert parse_dimension("a", {"start": 0.25, "width": 0.5}) == DepthRange.model_validate(
        {"start": 0.25, "width": 0.5}
    )
    assert parse_dimension("a", {"runs": [[7, 21]]}) == LayerRuns(runs=((7, 21),))


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {},
        {"low": 2, "high": 1},
        {"low": 0, "high": 1, "log": True},
        {"low": 1.5, "high": 2, "integer": True},
        {"start": 1.0, "width": 0.5},
        {"start": 0.1, "width": 0.0},
        {"runs": [[5, 3]]},
        {"low": 0, "high": float("inf")},
    ],
)
def test_a_dimension_without_a_point_is_refused(raw: object) -> None:
    with pytest.raises((ValueError, ValidationError)):
        parse_dimension("a", raw)


def test_settings_and_plain_parameters_are_each_other() -> None:
    setting = {"layers": {"start": 0.25, "width": 0.5}, "alpha": 3.0, "roi": "md"}
    assert nest(unnest(setting)) == setting
    assert set(
        flatten({"layers": DepthRange.model_validate({"start": 0, "width": 1}), "alpha": Range(low=1, high=2)})
    ) == {
        "layers.start",
        "layers.width",
        "alpha",
    }


def test_a_grid_has_every_point_and_keeps_to_the_range() -> None:
    points = grid({"a": Choice(options=(1, 2)), "b": Range(low=1, high=100, log=True, grid_points=3)})
    assert len(points) == 6
    assert [point["b"] for point in points[:3]] == pytest.approx([1, 10, 100])
    assert len(grid({"n": Range(low=1, high=2, integer=True, grid_points=5)})) == 2


@pytest.mark.parametrize(
    ("n_layers", "first", "last"), [(30, 7, 21), (28, 7, 20), (32, 8, 23), (80, 20, 59), (42, 10, 30)]
)
def test_the_middle_half_is_that_of_the_source(n_layers: int, first: int, last: int) -> None:
    layers = resolve_layers({"start": 0.25, "width": 0.5}, n_layers)
    assert (layers[0], layers[-1]) == (first, last)
    assert layers == tuple(range(n_layers // 4, n_layers // 4 + n_layers // 2))


def test_layers_stay_inside_the_model() -> None:
    assert resolve_layers({"start": 0.99, "width": 1.0}, 4) == (3,)
    assert resolve_layers({"start": 0.0, "width": 0.01}, 4) == (0,)
    for start in (0, 0.1, 0.35, 0.6, 0.999):
        assert max(resolve_layers({"start": start, "width": 0.7}, 10)) <= 9
    assert resolve_layers({"run": "2-3"}, 4) == (2, 3)
    with pytest.raises(InputError, match="4 layers"):
        resolve_layers({"run": "2-4"}, 4)


def test_contains_tells_types_apart() -> None:
    assert Choice(options=(1, True)).contains(True)
    assert not Choice(options=(1,)).contains(True)
    assert Range(low=1, high=2).contains(1.5)
    assert not Range(low=1, high=2).contains(math.nan)
