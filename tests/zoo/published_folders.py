"""Tiny models saved as published ones are, and rows of the registry that stand for them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brainalign.zoo import ModelFacts, load_model, model_facts
from brainalign.zoo.entry import FROM_FOLDER, Entry
from brainalign.zoo.registry import REGISTRY
from tests.zoo.hub_server import REPOSITORY


def save_published(tiny: str, folder: Path, shard: str = "10MB") -> Path:
    """Write a tiny model as a hub repository has it: configuration, tokenizer, safetensors, and files nobody needs."""
    model = load_model(tiny)
    model.module.save_pretrained(folder, max_shard_size=shard)
    model.tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("# A model card")
    (folder / "consolidated.00.safetensors").write_bytes(b"a second copy of the weights")
    return folder


def add_row(monkeypatch: pytest.MonkeyPatch, tiny: str, name: str = "acme-tiny", **changes: Any) -> ModelFacts:
    """Put a row for the saved model into the registry until the test ends."""
    config = load_model(tiny).module.config
    facts = replace(
        model_facts(tiny),
        name=name,
        hub_id=REPOSITORY,
        embedded=False,
        n_heads=config.num_attention_heads,
        n_kv_heads=config.num_key_value_heads,
        stop_ids=(load_model(tiny).tokenizer.eos_token_id,),
        **changes,
    )
    monkeypatch.setitem(REGISTRY, name, Entry(facts, FROM_FOLDER))
    return facts
