"""Where a setting acts."""

import pytest

from brainalign.reports.depth import layer_span, strength


@pytest.mark.parametrize(
    ("layers", "n_layers", "span"),
    [
        ({"start": 0.25, "width": 0.5}, 30, (7 / 30, 22 / 30)),  # 0.25 * 30 = 7.5 starts at layer 7; 15 layers
        ({"start": 0.0, "width": 0.001}, 30, (0.0, 1 / 30)),  # at least one layer
        ({"start": 0.9, "width": 0.5}, 10, (0.9, 1.0)),  # none past the last
        ({"run": "3-5"}, 10, (0.3, 0.6)),
        ({"start": 0.8, "width": 0.5}, None, (0.8, 1.0)),
    ],
)
def test_span_by_hand(layers: dict[str, object], n_layers: int | None, span: tuple[float, float]) -> None:
    assert layer_span({"layers": layers}, n_layers) == pytest.approx(span)


@pytest.mark.parametrize("layers", [None, "middle", {}, {"run": "8-12"}, {"run": "x"}, {"start": 0.1}])
def test_no_span_where_there_is_none(layers: object) -> None:
    assert layer_span({"layers": layers}, 10) is None


def test_no_span_without_layers() -> None:
    assert layer_span({"roi": "md"}, 10) is None


def test_strength_under_its_names() -> None:
    assert strength({"alpha": 2, "roi": "md"}) == 2.0
    assert strength({"gamma": 0.5}) == 0.5
    assert strength({"alpha": "big"}) is None


def test_a_transfer_is_as_strong_as_its_own_push_not_as_the_search_behind_it() -> None:
    assert strength({"alpha": 2.0, "strength": 0.7}) == 0.7
