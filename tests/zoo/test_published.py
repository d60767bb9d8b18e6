"""Loading from a folder of files: every family the hub's way, and every fault named before a device is asked for."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainalign.activations.check import check_model
from brainalign.errors import ModelError
from brainalign.zoo import ModelFacts, list_models, load_model
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.fetch import fetch_model
from brainalign.zoo.published import load_folder
from tests.zoo.published_folders import add_row, save_published

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]
# No machine has this: an error that names something else came before the device was asked for.
NO_DEVICE = LoadOptions(device="cuda:99")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_published("tiny-random-llama", tmp_path_factory.mktemp("saved"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> ModelFacts:
    return add_row(monkeypatch, "tiny-random-llama")


@pytest.mark.parametrize("tiny", TINY)
def test_every_family_by_the_whole_way(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINALIGN_CACHE", str(tmp_path / "cache"))
    facts = add_row(monkeypatch, tiny)
    fetch_model(facts, source=str(save_published(tiny, tmp_path / "saved")))
    model, expected = load_model(facts.name), load_model(tiny)
    chat = [{"role": "user", "content": "All wugs are red."}]
    assert model.encode_chat(chat) == expected.encode_chat(chat)
    assert torch.equal(model.forward(model.encode_chat(chat)), expected.forward(expected.encode_chat(chat)))
    settings = model.module.generation_config
    assert (settings.do_sample, settings.repetition_penalty) == (False, 1.0)
    assert settings.eos_token_id == list(facts.stop_ids)
    assert [row.what for row in check_model(model) if not row.passed] == []


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def refused(folder: Path, facts: ModelFacts, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_folder(folder, facts, NO_DEVICE)


def test_a_good_folder_fails_only_for_the_device(folder: Path, facts: ModelFacts) -> None:
    refused(folder, facts, "expected a device of this machine")


def test_other_architectures_are_named(folder: Path, facts: ModelFacts) -> None:
    change(folder, "config.json", model_type="qwen2")
    refused(folder, facts, r"expected the architecture 'llama' of acme-tiny in .*, found 'qwen2'")
    change(folder, "config.json", model_type="brainformer")
    refused(folder, replace(facts, family="brainformer"), "that this transformers knows, found 'brainformer'")
    (folder / "config.json").unlink()
    refused(folder, facts, r"expected a model's config.json in .*: fetch the model again")


def test_other_sizes_are_named(folder: Path, facts: ModelFacts) -> None:
    refused(folder, replace(facts, n_layers=28), "expected num_hidden_layers 28 of acme-tiny .*, found 4: .* revision")
    refused(folder, replace(facts, n_kv_heads=4), "expected num_key_value_heads 4")
    change(folder, "config.json", intermediate_size=161)
    refused(folder, facts, r"expected 261184 parameters of acme-tiny, found \d+ by the configuration")


def test_other_tokenizers_are_named(folder: Path, facts: ModelFacts) -> None:
    refused(folder, replace(facts, answer_ids=((1, 2), (3, 4))), r"expected True and False to be the tokens \(1, 2\)")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = [
        pair for pair in tokenizer["model"]["merges"] if not set(pair) & {"Tr", "Fal", "ru", "rue", "ue"}
    ]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    refused(folder, facts, "expected True and False to be one token each")
    (folder / "tokenizer.json").unlink()
    refused(folder, facts, r"expected a tokenizer \(tokenizer.json\) in")


def test_damaged_weights_are_named(folder: Path, facts: ModelFacts) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    refused(folder, facts, rf"expected {len(whole)} bytes in .*, found {len(whole) - 1}: it is cut short")
    weights.write_bytes(whole[:100])
    refused(folder, facts, "cut short or a git-lfs pointer")
    weights.unlink()
    refused(folder, facts, "expected safetensors weights in .*, found none")


def test_missing_tensors_and_shards_are_named(folder: Path, facts: ModelFacts) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.2.self_attn.q_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, facts, r"found 1 missing, such as model\.layers\.2\.self_attn\.q_proj\.weight")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(folder, facts, r"found no model-00002-of-00002\.safetensors: fetch the model again")
    (folder / "model.safetensors.index.json").write_text("{}")
    refused(folder, facts, "expected a weight map in")


def test_what_changed_since_it_was_fetched_is_noticed(
    saved: Path, facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAINALIGN_CACHE", str(tmp_path))
    folder = fetch_model(facts, source=str(saved)).folder
    change(folder, "tokenizer_config.json", padding_side="left")
    refused(folder, facts, r"expected \d+ bytes in .*tokenizer_config.json, found \d+: delete the folder")
    (folder / "brainalign.json").write_text("{}")
    refused(folder, facts, "expected brainalign.json as `brainalign zoo fetch` writes it")


@pytest.mark.parametrize(
    ("name", "words"), [("llama-3-8b-instruct", "accepting its licence"), ("qwen3-4b", "fetch qwen3")]
)
def test_absent_weights_say_how_to_get_them(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelError, match=rf"expected the weights of {name} .*, found none: run .*{words}.* --from FOLDER"
    ):
        load_model(name, cache=tmp_path, device="cuda:99")


def test_a_revision_is_only_for_models_of_the_hub() -> None:
    with pytest.raises(ModelError, match="expected a revision only of a model that is fetched"):
        load_model("smollm2-135m@v1")
