"""What a worker makes of a result before it becomes a row."""

import math

import pytest

from brainalign.artifacts import Result
from brainalign.search.worker import _missing_figure, config_place, place_config
from brainalign.study import Branch, Goals, Place

GOALS = Goals({"net": "maximize", "broken": "minimize"}, upper={"invalid": 0.2})
WHOLE = {"net": 0.1, "broken": 0.2, "invalid": 0.9}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, (None, None)),
        ({"broken": None}, ("expected the metric 'broken', found net, invalid", "error")),
        ({"invalid": None}, ("expected the metric 'invalid', found net, broken", "error")),
        ({"net": math.nan}, ("expected a finite net, found nan", "nan")),
    ],
)
def test_a_result_without_a_figure_that_the_search_needs_is_no_success(changes: dict, found: tuple) -> None:
    metrics = {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}
    assert _missing_figure(GOALS, Result("k", "nari", "guided", metrics)) == found


def test_a_place_comes_back_from_its_configuration() -> None:
    place = Place(Branch("m", "nari", "guided"), 3, "selection")
    config = place_config(place, {"alpha": 1}, again=True)
    assert (config_place(config), config["again"], config["setting"]) == (place, True, {"alpha": 1})
