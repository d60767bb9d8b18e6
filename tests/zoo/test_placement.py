"""Where large models go, computed from their real shapes on the meta device for GPUs that are not here."""

import pytest
import torch
from transformers import AutoConfig

from brainalign.errors import ModelError
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.meta import meta_model, recorded_config
from brainalign.zoo.placement import check_processes, single_device, spread

GIB = 2**30
BF16 = LoadOptions(dtype="bfloat16", device="auto")


@pytest.mark.parametrize("name", ["llama-3.3-70b-instruct", "qwen2-72b-instruct"])
def test_a_large_model_is_spread_in_whole_layers_and_even_shares(name: str) -> None:
    module = meta_model(name)
    devices = spread(module, dict.fromkeys(range(4), 74 * GIB), BF16)
    layers = [devices[f"model.layers.{layer}"] for layer in range(80)]
    assert layers == sorted(layers)
    counts = [layers.count(number) for number in range(4)]
    assert min(counts) > 0
    assert max(counts) <= 26
    assert devices["model.embed_tokens"] == 0
    assert devices["lm_head"] == devices["model.norm"] == layers[-1]


def test_what_fits_one_gpu_stays_on_one() -> None:
    memory = {0: 10 * GIB, 1: 22 * GIB, 2: 22 * GIB}
    assert spread(meta_model("qwen2-7b-instruct"), memory, BF16) == {"": 1}


def test_nothing_is_put_on_the_host_unasked() -> None:
    with pytest.raises(
        ModelError, match=r"expected GPUs with 1\d\d GiB together .* found 1 with 74 GiB free: take more"
    ):
        spread(meta_model("llama-3.3-70b-instruct"), {0: 74 * GIB}, BF16)


def test_processes_must_divide_the_heads_and_be_there() -> None:
    config = recorded_config("llama-3.3-70b-instruct")
    with pytest.raises(ModelError, match="divides 64 heads and 8 key-value heads, found 3"):
        check_processes(config, 3)
    with pytest.raises(ModelError, match=r"expected 8 processes in a torch.distributed group, found 1: start them"):
        check_processes(config, 8)
    with pytest.raises(ModelError, match="expected an architecture whose layers can be shared"):
        check_processes(AutoConfig.for_model("gpt2"), 2)


def test_auto_is_the_cpu_without_gpus() -> None:
    if not torch.cuda.is_available():
        assert single_device(BF16) == "cpu"
    assert single_device(LoadOptions(device="cuda:3")) == "cuda:3"
