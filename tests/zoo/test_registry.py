"""The registry: names, facts, errors, and how little it imports."""

import subprocess
import sys

import pytest

from brainalign.errors import ModelError
from brainalign.zoo import list_models, load_model, model_facts

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]


def test_names_are_unique_and_found() -> None:
    names = [facts.name for facts in list_models()]
    assert len(set(names)) == len(names)
    assert [model_facts(name).name for name in names] == names
    assert {"smollm2-135m", "tiny-random-llama", "tiny-random-gemma2"} <= set(names)


def test_unknown_name_names_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"found 'smolm2-135': did you mean 'smollm2-135m'\?"):
        load_model("smolm2-135")
    with pytest.raises(ModelError, match="did you mean 'tiny-random-qwen3'"):
        model_facts("tiny-random-qwen33")


def test_unknown_dtype_is_refused() -> None:
    with pytest.raises(ModelError, match="expected a dtype of float32, bfloat16, float16, found 'int3'"):
        load_model("tiny-random-llama", dtype="int3")


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_absent_device_is_refused(device: str) -> None:
    with pytest.raises(ModelError, match=rf"expected a device of this machine .* found '{device}'"):
        load_model("tiny-random-llama", device=device)


@pytest.mark.parametrize("name", TINY)
def test_facts_equal_the_built_model(name: str) -> None:
    model = load_model(name)
    assert sum(parameter.numel() for parameter in model.module.parameters()) == model.facts.n_parameters
    assert (model.n_layers, model.hidden_size) == (model.facts.n_layers, model.facts.hidden_size)
    assert model.module.config.model_type == model.facts.family


def test_listing_imports_no_torch() -> None:
    code = "import sys, brainalign.zoo as zoo; zoo.list_models(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
