"""What a configuration refuses, and which losses it names."""

import pytest

from brainalign.errors import InputError
from brainalign.finetuning import NarfConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": ()}, "one or more layers"),
        ({"layers": (3, 2)}, "rising"),
        ({"layers": (-1, 2)}, "counted from 0"),
        ({"site": "mlp"}, "site among"),
        ({"loss": "hinge"}, "loss among"),
        ({"targets": "some"}, "targets among"),
        ({"targets": "all", "site": "layer"}, "moves attention outputs"),
        ({"train_weight": 0.0}, "found 0 for both"),
        ({"train_weight": 0.0, "reg_weight": 5.0, "targets": "all"}, "found 0 for both"),
        ({"label_loss_weight": -1.0}, "at least 0"),
        ({"train_weight": float("nan")}, "at least 0"),
        ({"lora_rank": 0}, "rank and alpha"),
        ({"lora_alpha": 0}, "rank and alpha"),
    ],
)
def test_what_nothing_can_be_trained_with_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        NarfConfig(**{"layers": (1, 2), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({}, {"brain": 1.0}),
        ({"label_loss_weight": 0.5}, {"brain": 1.0, "label": 0.5}),
        ({"train_weight": 0.0, "label_loss_weight": 0.5}, {"label": 0.5}),
        ({"targets": "nearest", "reg_weight": 10.0, "train_weight": 0.1}, {"brain": 0.1, "regulariser": 10.0}),
        ({"targets": "all", "reg_weight": 0.0}, {"brain": 1.0}),
        ({"targets": "all", "train_weight": 0.0, "label_loss_weight": 1.0}, {"label": 1.0}),
    ],
)
def test_weights_name_the_losses_that_are_computed(changes: dict[str, object], weights: dict[str, float]) -> None:
    assert NarfConfig(**{"layers": (1, 2), **changes}).weights == weights  # type: ignore[arg-type]
