"""Search spaces: what a study file may spell, and what a setting means on a model."""

import pytest

from brainalign.errors import InputError
from brainalign.spaces import (
    Choice,
    Condition,
    DepthRange,
    LayerDepth,
    LayerRuns,
    LayerSets,
    Range,
    check_conditions,
    check_layers,
    flatten,
    grid,
    nest,
    parse_dimension,
    resolve_layers,
    unconditional,
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
    with pytest.raises(ValueError, match=r"^a"):
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


def test_single_layers_and_sets_mean_layers_of_a_model() -> None:
    assert parse_dimension("layers", {"depth": 0.5}) == LayerDepth.model_validate({"depth": {"low": 0.5, "high": 0.5}})
    sets = parse_dimension("layers", {"sets": [[3, 7, 11], [2]]})
    assert isinstance(sets, LayerSets)
    assert flatten({"layers": sets}) == {"layers.set": Choice(options=("3-7-11", "2"))}
    assert resolve_layers({"set": "3-7-11"}, 12) == (3, 7, 11)
    assert [resolve_layers({"depth": depth}, 10) for depth in (0, 0.55, 0.99)] == [(0,), (5,), (9,)]
    check_layers("layers", sets, 12)
    with pytest.raises(InputError, match="11 layers"):
        check_layers("layers", sets, 11)
    with pytest.raises(InputError, match=r"nari: layers: expected start and width"):
        check_layers("nari: layers", Choice(options=(1,)), 11)


def test_losses_weights_ranks_and_subject_filters_are_plain_dimensions() -> None:
    space = {
        "loss": parse_dimension("loss", ["mse", "cka"]),
        "loss_weight": parse_dimension("loss_weight", {"low": 0.01, "high": 10, "log": True}),
        "lora_rank": parse_dimension("lora_rank", [4, 8, 16]),
        "rank": parse_dimension("rank", {"low": 1, "high": 4, "integer": True}),
        "subjects": parse_dimension("subjects", ["all", "solved_most"]),
        "layers": parse_dimension("layers", {"depth": {"low": 0.1, "high": 0.9}}),
    }
    point = grid(space)[-1]
    assert nest(point)["layers"] == {"depth": pytest.approx(0.9)}
    assert (point["lora_rank"], point["rank"], point["subjects"]) == (16, 4, "solved_most")


def test_a_conditional_dimension_stands_only_in_points_that_meet_its_condition() -> None:
    rate = parse_dimension("rate", {"low": 0, "high": 1, "grid_points": 3, "when": {"loss": "mse"}})
    layers = parse_dimension("layers", {"runs": [[1, 2], [3, 4]], "when": {"loss": ["mse", "cka"]}})
    space = {"loss": parse_dimension("loss", ["mse", "cka", "none"]), "rate": rate, "layers": layers}
    check_conditions(space)
    points = grid(space)
    assert len(points) == 3 * 2 + 2 + 1
    assert {"loss": "none"} in points
    assert isinstance(rate, Condition)
    assert unconditional(rate) == Range(low=0, high=1, grid_points=3)
    assert Condition.model_validate(rate.model_dump()) == rate
    assert parse_dimension("rate", rate.model_dump()) == rate


@pytest.mark.parametrize(
    ("when", "message"),
    [({"lss": "mse"}, "'lss'"), ({"loss": "mes"}, "expected one of mse, cka, found 'mes'"), ({"rate": 1}, "'rate'")],
)
def test_a_condition_that_nothing_meets_is_refused_by_its_name(when: dict, message: str) -> None:
    space = {
        "loss": Choice(options=("mse", "cka")),
        "rate": parse_dimension("rate", {"low": 0, "high": 1, "when": when}),
    }
    with pytest.raises(ValueError, match=rf"rate: when: .*{message}"):
        check_conditions(space)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([[1]], "a.options"),
        ([1, True], "differ"),
        ({"low": "x", "high": 2}, "a.low"),
        ({"start": {"low": 0.1}, "width": 0.5}, "a.start.high"),
        ({"sets": [[3, 3]]}, "a.sets: expected layers of at least 0 in rising order"),
        ({"depth": 1.0}, "0 <= depth < 1"),
        ({"low": 1, "high": 2, "whn": {}}, "did you mean 'when'"),
        ({"low": 1, "high": 2, "when": "mse"}, "a.when"),
    ],
)
def test_a_wrong_dimension_is_one_line_that_names_the_key(raw: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_dimension("a", raw)
    assert str(caught.value).startswith("a")
    assert "\n" not in str(caught.value)
