"""Hooks on several layers at once."""

import pytest
import torch

from brainalign.activations import displaced, hooked
from brainalign.errors import ModelError
from brainalign.zoo import LanguageModel
from tests.activations.plain import hooks_of, plain_logits


def test_displaced_equals_a_bare_hook(model: LanguageModel, prompts: list[list[int]]) -> None:
    displacements = torch.randn(2, model.hidden_size, generator=torch.Generator().manual_seed(0))
    with displaced(model, "attention", (0, 2), displacements) as firings:
        found = model.forward(prompts[0])
    assert [firing.count for firing in firings] == [1, 1]
    torch.testing.assert_close(found, plain_logits(model, prompts[0], (0, 2), displacements), atol=1e-5, rtol=0)
    torch.testing.assert_close(model.forward(prompts[0]), plain_logits(model, prompts[0]), atol=1e-5, rtol=0)


def test_layer_numbers_reach_the_function(model: LanguageModel, prompts: list[list[int]]) -> None:
    seen: list[int] = []
    with hooked(model, "layer", (1, 3), lambda layer, state: seen.append(layer)):
        model.forward(prompts[0])
    assert seen == [1, 3]


def test_all_are_gone_when_one_cannot_be_set(model: LanguageModel) -> None:
    before = hooks_of(model)
    with (
        pytest.raises(ModelError, match="expected a layer from 0 to 3"),
        hooked(model, "layer", (1, 4), lambda layer, state: None),
    ):
        pass
    assert hooks_of(model) == before
