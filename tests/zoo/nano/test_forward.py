"""The training pass is that of transformers."""

import numpy as np
import pytest
import torch

from brainalign.zoo.nano.chats import write_batch
from brainalign.zoo.nano.forward import Scene, final_states
from brainalign.zoo.nano.initial import initial_weights
from brainalign.zoo.nano.model import empty_module, named_weights
from brainalign.zoo.nano.sizes import Size

SIZES = (Size("nano-test", "llama", 48, 12, 80), Size("nano-test", "qwen3", 32, 16, 64))


def weights_of(size: Size) -> dict[str, torch.Tensor]:
    weights = initial_weights(size, 0)
    rng = torch.Generator().manual_seed(1)
    for name in ("attention_norm", "mlp_norm", "final_norm", "qk_norm"):
        if name in weights:
            weights[name] = 0.5 + torch.rand(weights[name].shape, generator=rng)
    return weights


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.family)
@pytest.mark.parametrize("kind", ["syllogisms", "transitive"])
def test_states_are_those_of_transformers_for_each_conclusion_alone(size: Size, kind: str) -> None:
    weights, module = weights_of(size), empty_module(size)
    missing, unexpected = module.load_state_dict(named_weights(weights), strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])
    batch = write_batch(kind, 4, 3, 3, np.random.default_rng(0))
    tokens = torch.from_numpy(batch.tokens)
    scene = Scene.of(torch.from_numpy(batch.position), torch.from_numpy(batch.visible), size.head_dim)
    with torch.inference_mode():
        logits = final_states(weights, tokens, scene, torch.float32)[:, torch.from_numpy(batch.answers)]
        logits = logits @ weights["embedding"].T
        for asked in range(3):
            alone = torch.from_numpy((batch.branch == 0) | (batch.branch == asked + 1))
            expected = module(input_ids=tokens[:, alone], use_cache=False).logits[:, -1]
            torch.testing.assert_close(logits[:, asked], expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.family)
def test_gradients_are_those_of_transformers(size: Size) -> None:
    weights, module = weights_of(size), empty_module(size)
    module.load_state_dict(named_weights(weights), strict=False)
    module.tie_weights()
    tokens = 1 + torch.arange(20).view(2, 10) * 7
    weights = {name: value.requires_grad_() for name, value in weights.items() if name != "roles"}
    scene = Scene.of(torch.arange(10), torch.ones(10, 10, dtype=torch.bool).tril(), size.head_dim)
    target = torch.arange(10).expand(2, 10)
    mine = final_states(weights, tokens, scene, torch.float32) @ weights["embedding"].T
    torch.nn.functional.cross_entropy(mine.flatten(0, 1), target.flatten()).backward()
    theirs = module(input_ids=tokens, use_cache=False).logits
    torch.nn.functional.cross_entropy(theirs.flatten(0, 1), target.flatten()).backward()
    expected = {name: value.grad for name, value in module.named_parameters()}
    for name, gradient in named_weights({name: value.grad for name, value in weights.items()}).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-3)
