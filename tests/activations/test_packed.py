"""Whole trees in one pass: logits and gradients are those of plain forward passes, one by one."""

from collections.abc import Iterator

import pytest
import torch

from brainalign.activations.packed import blocks, embed, run_layers, whole_tree
from brainalign.activations.prefix_tree import build_tree
from brainalign.activations.tree_attention import KeyValueStore, tree_attention
from brainalign.errors import InputError
from brainalign.zoo import LanguageModel


def attention_parameters(model: LanguageModel) -> list[torch.nn.Parameter]:
    return [parameter for layer in model.layers for parameter in layer.self_attn.parameters()]


@pytest.fixture
def trained(model: LanguageModel) -> Iterator[list[torch.nn.Parameter]]:
    """Attention weights that require gradient for one test."""
    parameters = attention_parameters(model)
    for parameter in parameters:
        parameter.requires_grad_(True)
    yield parameters
    model.module.requires_grad_(False)


def test_a_tree_has_the_gradient_of_its_prompts_one_by_one(
    model: LanguageModel, prompts: list[list[int]], trained: list[torch.nn.Parameter]
) -> None:
    tree = build_tree(prompts)
    block = whole_tree(tree, model.device)
    assert len(block.ids) == tree.n_tokens < sum(map(len, prompts)) / 2
    with tree_attention(model.module.config):
        packed = model.module(
            input_ids=block.ids[None],
            position_ids=block.tree_pass.positions[None],
            use_cache=False,
            logits_to_keep=block.final_rows,
            tree_pass=block.tree_pass,
        ).logits[0, tree.places(tree.leaf_of)]
    plain = torch.stack([model.module(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1] for ids in prompts])
    torch.testing.assert_close(packed, plain, atol=2e-5, rtol=0)
    weights = torch.randn(plain.shape, generator=torch.Generator().manual_seed(0))
    found = torch.autograd.grad((packed * weights).sum(), trained)
    expected = torch.autograd.grad((plain * weights).sum(), trained)
    for gradient, truth in zip(found, expected, strict=True):
        assert (gradient - truth).abs().max() <= 1e-5 * truth.abs().max()


def test_stored_prefixes_refuse_gradients(
    model: LanguageModel, prompts: list[list[int]], trained: list[torch.nn.Parameter]
) -> None:
    top, below, *_ = blocks(build_tree(prompts), KeyValueStore(), device=model.device, n_rows=10_000)
    run_layers(model, embed(model, top.ids), top.tree_pass)
    with pytest.raises(InputError, match="keys are all its own"):
        run_layers(model, embed(model, below.ids), below.tree_pass)
