"""Saved adapters give, read by peft, what the trained model gave."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from brainalign.finetuning import NarfConfig, trainable
from brainalign.finetuning.adapters import save_adapter
from brainalign.zoo import load_model

PROMPT = [3, 5, 7, 11, 13]


@pytest.mark.parametrize("name", ["tiny-random-llama", "tiny-random-phi3"])
def test_peft_reads_an_adapter_back(name: str, tmp_path: Path) -> None:
    model, config = load_model(name), NarfConfig(layers=(1, 2), lora_rank=3)
    with trainable(model, config, ("here",)) as found:
        with torch.no_grad():
            for parameter in found.parameters:
                parameter.add_(0.05)
        expected = model.forward(PROMPT)
        weights = {key: value.detach().clone() for key, value in found.named.items()}
        save_adapter(weights, model, config, tmp_path, {"study": "none"})
    base = load_model(name)
    assert not torch.equal(base.forward(PROMPT), expected)
    adapted = PeftModel.from_pretrained(base.module, tmp_path)
    logits = adapted(input_ids=torch.tensor([PROMPT]), use_cache=False).logits[0, -1]
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


def test_weights_trained_in_full_keep_their_names(tmp_path: Path) -> None:
    model, config = load_model("tiny-random-qwen2"), NarfConfig(layers=(1,), lora_rank=None)
    with trainable(model, config) as found:
        path = save_adapter(found.named, model, config, tmp_path, {})
    assert set(load_file(path)) == set(found.named) <= set(dict(model.module.named_parameters()))
