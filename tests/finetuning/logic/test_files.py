"""The adapter's files: what peft makes of them is what the zoo merges."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from brainalign.finetuning.engine import double
from brainalign.finetuning.logic.files import write_adapter
from brainalign.finetuning.logic.plan import NAME, STRENGTH, Plan
from brainalign.finetuning.logic.training import Adapter, adapter_config
from brainalign.finetuning.parameters import trainable
from brainalign.finetuning.record import Step, TrainingRecord
from brainalign.zoo import LanguageModel, load_model
from brainalign.zoo.smollm2_logic.model import merged, read_adapter
from brainalign.zoo.training_record import read_record

FACTORS = ("lora_A", "lora_B")
PLAN = Plan(n_blocks=2, n_epochs=1, start=0.25, width=0.5, rank=4)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


@pytest.fixture(scope="module")
def folder(model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapter")
    draw = torch.Generator().manual_seed(0)
    with trainable(model, adapter_config(PLAN, model.n_layers)) as trained:
        weights = {name: torch.randn(value.shape, generator=draw) for name, value in trained.named.items()}
    steps = tuple(Step(number, 1, 0.5, {}, 1.0, 1e-3) for number in range(2))
    write_adapter(Adapter(weights, TrainingRecord(1, steps), 12.34), model, PLAN, 5, path)
    return path


def test_merged_weights_answer_as_peft_s_adapter_does(model: LanguageModel, folder: Path) -> None:
    ids = model.encode_chat([{"role": "user", "content": "All blemps are drasks."}])
    plain = model.forward(ids)
    with merged(model, read_adapter(folder)):
        found = model.forward(ids)
    with torch.inference_mode():
        of_peft = PeftModel.from_pretrained(double(model.module), str(folder))
        expected = of_peft(input_ids=torch.tensor([ids])).logits[0, -1]
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()
    assert (found - plain).abs().max() > 0.1 * plain.abs().max()
    assert torch.equal(model.forward(ids), plain)


def test_the_second_factors_are_written_at_the_strength(folder: Path) -> None:
    written = load_file(folder / "adapter_model.safetensors")
    spread = {part: torch.cat([v.flatten() for name, v in written.items() if part in name]).std() for part in FACTORS}
    assert float(spread["lora_B"] / spread["lora_A"]) == pytest.approx(STRENGTH, rel=0.1)


def test_the_record_counts_what_was_asked(folder: Path) -> None:
    record = read_record(NAME, folder)
    n_parameters = 2 * 4 * (4 * 64 + 2 * (64 + 32))  # two layers, rank 4; keys and values are half as wide
    assert (record.n_parameters, record.n_questions, record.seed) == (n_parameters, 2 * PLAN.n_asked, 5)
    assert record.seconds == 12.3
    assert record.plan == json.loads(json.dumps({**vars(PLAN), "strength": STRENGTH}))
