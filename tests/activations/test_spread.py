"""A model whose upper layers are on another device than its lower ones.

Two GPUs are not here: the second device is torch's meta device, which holds no numbers but refuses tensors of another
device in the same way. What is compared with one device is where everything ends.
"""

import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module

from brainalign.activations.hooks import hooked
from brainalign.activations.packed import embed, run_layers, whole_tree
from brainalign.activations.prefix_tree import build_tree
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import LanguageModel, load_model


def spread(name: str) -> LanguageModel:
    model = load_model(name)
    for layer in range(model.n_layers):
        device = "meta" if layer >= 2 else "cpu"
        model.layers[layer].to(device)
        add_hook_to_module(model.layers[layer], AlignDevicesHook(execution_device=device, io_same_device=False))
    return model


def test_packed_passes_run_from_one_device_to_the_next() -> None:
    for name in ("tiny-random-llama", "tiny-random-gemma2"):
        model = spread(name)
        problems = generate_problems(2, seed=1)
        tree = build_tree([model.encode_problem(problem, own_wording()) for problem in problems])
        block = whole_tree(tree, model.device)
        seen: dict[int, str] = {}

        def note(layer: int, state: torch.Tensor, seen: dict[int, str] = seen) -> torch.Tensor:
            seen[layer] = state.device.type
            return state + 1.0

        with hooked(model, "attention", range(4), note):
            last = run_layers(model, embed(model, block.ids), block.tree_pass)
        assert seen == {0: "cpu", 1: "cpu", 2: "meta", 3: "meta"}
        assert last.device.type == "meta"
        assert last.shape == (tree.n_tokens, model.hidden_size)
