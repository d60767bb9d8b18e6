"""What quantised loading is asked and records; with torchao and bitsandbytes installed, what it computes."""

import importlib.util

import pytest
import torch

from brainalign.errors import ModelError
from brainalign.zoo import LanguageModel, load_model
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.quantisation import PACKAGES, check_widths, quantiser

CHAT = ({"role": "user", "content": "All wugs are daxes. Is every wug a dax? Say True or False."},)
MISSING = [name for name, package in PACKAGES.items() if importlib.util.find_spec(package) is None]
needs_torchao = pytest.mark.skipif("fp8" in MISSING, reason="torchao is not installed")
needs_bitsandbytes = pytest.mark.skipif("nf4" in MISSING, reason="bitsandbytes is not installed")


def test_none_changes_nothing_and_names_are_checked() -> None:
    assert quantiser(LoadOptions()) is None
    assert LoadOptions().identity == {"dtype": "float32"}
    with pytest.raises(ModelError, match="expected a quantisation of none, fp8, nf4, found 'int2'"):
        load_model("tiny-random-llama", quantisation="int2")


def test_quantisation_is_part_of_the_identity_and_of_the_facts() -> None:
    plain = load_model("tiny-random-llama")
    options = LoadOptions(quantisation="fp8")
    assert options.identity == {"dtype": "float32", "quantisation": "fp8"}
    assert options.recorded(plain.facts).quantisation == "fp8 at loading"
    assert options.recorded(options.recorded(plain.facts)).quantisation == "fp8 at loading, then fp8 at loading"
    assert LoadOptions(device="meta").identity == LoadOptions(processes=2).identity == LoadOptions().identity


@pytest.mark.parametrize("name", MISSING)
def test_an_absent_package_is_named_with_the_way_to_it(name: str) -> None:
    with pytest.raises(ModelError, match=f"run `pip install {PACKAGES[name]}`"):
        quantiser(LoadOptions(quantisation=name))


def test_nf4_needs_whole_blocks() -> None:
    config = load_model("tiny-random-llama").module.config
    with pytest.raises(ModelError, match="multiples of 64 for weights in nf4, found 160: load it in fp8"):
        check_widths(config, LoadOptions(quantisation="nf4"))
    check_widths(config, LoadOptions(quantisation="fp8"))


def logits(model: LanguageModel) -> torch.Tensor:
    return model.forward(model.encode_chat(CHAT))


@needs_torchao
def test_fp8_answers_as_its_dequantised_weights_do() -> None:
    model, plain = (load_model("tiny-random-llama", quantisation=name) for name in ("fp8", "none"))
    assert model.weights_hash != plain.weights_hash
    assert model.facts.quantisation == "fp8 at loading"
    pairs = zip(model.module.named_parameters(), plain.module.named_parameters(), strict=True)
    with torch.no_grad():
        for (name, held), (_, parameter) in pairs:
            if hasattr(held, "dequantize") and "Float8" in type(held).__name__:
                restored = held.dequantize()
                assert 0 < (restored - parameter).norm() / parameter.norm() < 0.05
                parameter.copy_(restored)
            else:
                assert name.endswith(("norm.weight", "embed_tokens.weight", "lm_head.weight"))
    assert torch.allclose(logits(model), logits(plain), atol=1e-4)


@needs_bitsandbytes
@pytest.mark.slow
def test_nf4_stays_near_and_takes_an_eighth() -> None:
    model, plain = (load_model("smollm2-135m", quantisation=name) for name in ("nf4", "none"))
    assert model.weights_hash != plain.weights_hash
    assert model.facts.quantisation.endswith("then nf4 at loading")
    weight, before = (loaded.layers[3].self_attn.q_proj.weight for loaded in (model, plain))
    assert weight.nbytes * 8 == before.nbytes
    both = torch.stack([logits(model), logits(plain)])
    assert torch.corrcoef(both)[0, 1] > 0.85
