"""Initial weights: where the heads look before any training."""

import numpy as np
import pytest
import torch

from brainalign.stimuli import REASONING_TYPES
from brainalign.zoo.nano.chats import write_batch
from brainalign.zoo.nano.initial import initial_weights
from brainalign.zoo.nano.model import empty_module, named_weights
from brainalign.zoo.nano.sizes import SIZES, Size


@pytest.fixture(params=(SIZES[1], SIZES[6]), ids=lambda size: size.family)
def attentions(request: pytest.FixtureRequest) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """Tokens of a chat and the attention (heads, tokens, tokens) of each layer, by transformers."""
    size: Size = request.param
    module = empty_module(size)
    module.load_state_dict(named_weights(initial_weights(size, 0)), strict=False)
    module.tie_weights()
    module.set_attn_implementation("eager")
    tokens = torch.from_numpy(write_batch(REASONING_TYPES[1], 4, 1, 1, np.random.default_rng(0)).tokens)
    with torch.inference_mode():
        found = module(input_ids=tokens, output_attentions=True, use_cache=False).attentions
    return tokens[0], tuple(layer[0] for layer in found)


def test_half_of_the_first_layer_looks_one_back(
    attentions: tuple[torch.Tensor, tuple[torch.Tensor, ...]],
) -> None:
    looking_back = attentions[1][0].diagonal(-1, 1, 2).mean(dim=1)
    assert looking_back[:2].min() > 0.6
    assert looking_back[2:].max() < 0.3


def test_half_of_the_next_layer_looks_for_equal_tokens(
    attentions: tuple[torch.Tensor, tuple[torch.Tensor, ...]],
) -> None:
    tokens, layers = attentions
    equal = (tokens[:, None] == tokens) & (tokens > 3) & (tokens < 680)
    repeated = equal.sum(dim=1) > 1
    share = (layers[1] * equal).sum(dim=2)[:, repeated].mean(dim=1)
    assert share[:2].min() > 0.6
    assert share[2:].max() < 0.4


def test_weights_are_a_function_of_size_and_seed() -> None:
    first, again, other = (initial_weights(SIZES[0], seed) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["embedding"], other["embedding"])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_shapes_have_as_many_numbers_as_the_registry_says(size: Size) -> None:
    named = named_weights(initial_weights(size, 0))
    assert sum(value.numel() for value in named.values()) == size.n_parameters
