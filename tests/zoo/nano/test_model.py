"""The shipped weights: ordinary members of the zoo, and what they score on a fixed sample."""

from importlib.resources import files
from pathlib import Path

import pytest
import torch

from brainalign.activations import answer_prompts, encode_problems
from brainalign.errors import ModelError
from brainalign.stimuli import ProblemSet, generate_problems, own_wording
from brainalign.zoo import load_model
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.nano.initial import initial_weights
from brainalign.zoo.nano.model import named_weights, read_model, write_weights
from brainalign.zoo.nano.sizes import SIZES, find_sizes
from brainalign.zoo.training_record import read_record

SHIPPED = Path(str(files("brainalign.zoo.nano") / "weights"))
# Of 128 problems; a right answer by a hair may turn with the machine's rounding.
N_RIGHT = {
    "nano-llama-0.1m": 67,
    "nano-llama-0.2m": 85,
    "nano-llama-0.4m": 92,
    "nano-llama-0.9m": 111,
    "nano-llama-1.9m": 108,
    "nano-llama-7.4m": 114,
    "nano-qwen3-0.2m": 67,
    "nano-qwen3-0.9m": 102,
}


@pytest.fixture(scope="module")
def sample() -> ProblemSet:
    sets = [generate_problems(16, 5, n_premises=n, vocabulary="test") for n in (3, 4, 5, 6)]
    return ProblemSet(tuple(problem for problems in sets for problem in problems), "generated")


@pytest.mark.parametrize("name", [size.name for size in SIZES])
def test_shipped_weights_answer_a_fixed_sample_as_they_did(name: str, sample: ProblemSet) -> None:
    model = load_model(name)
    found = answer_prompts(model, encode_problems(model, sample, own_wording()))
    n_right = int((found.answer == sample.labels).sum())
    assert n_right == pytest.approx(N_RIGHT[name], abs=1)
    assert read_record(name, SHIPPED).n_parameters == model.facts.n_parameters


def test_the_shipped_weights_are_small() -> None:
    sizes = [path.stat().st_size for path in SHIPPED.glob("*.safetensors")]
    assert len(sizes) == len(SIZES)
    assert sum(sizes) < 25e6


def test_written_weights_are_read_again_in_bfloat16(tmp_path: Path) -> None:
    size = SIZES[0]
    weights, path = initial_weights(size, 0), tmp_path / "weights.safetensors"
    write_weights(weights, path)
    model = read_model(size, path, LoadOptions())
    state = model.module.state_dict()
    for name, value in named_weights(weights).items():
        assert torch.equal(state[name], value.bfloat16().float())
    assert torch.equal(state["lm_head.weight"], state["model.embed_tokens.weight"])
    assert model.weights_hash != read_model(size, path, LoadOptions(dtype="bfloat16")).weights_hash


def test_absent_damaged_and_other_weights_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ModelError, match="install the package again"):
        read_model(SIZES[0], path, LoadOptions())
    write_weights(initial_weights(SIZES[0], 0), path)
    with pytest.raises(ModelError, match="install the package again") as error:
        read_model(SIZES[1], path, LoadOptions())
    assert "\n" not in str(error.value)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match="install the package again"):
        read_model(SIZES[0], path, LoadOptions())
    with pytest.raises(ModelError, match=r"expected how .* was trained"):
        read_record(SIZES[0].name, tmp_path)


def test_sizes_are_found_by_name() -> None:
    assert find_sizes(None) == SIZES
    assert find_sizes(["nano-qwen3-0.2m", "nano-llama-0.1m"]) == (SIZES[0], SIZES[6])
    with pytest.raises(ModelError, match="expected a model of the nano family, found 'nano-llama'"):
        find_sizes(["nano-llama"])
