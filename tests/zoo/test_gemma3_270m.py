"""Gemma 3 270M: nothing before its terms are accepted; real weights where its packages are installed."""

import os
from pathlib import Path

import numpy as np
import pytest

from brainalign.errors import ModelError
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import gemma3_270m, load_model, model_facts
from brainalign.zoo.converted import converted_folder, package_files
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.meta import recorded_config

NAME = "gemma3-270m"
needs_packages = pytest.mark.skipif(
    not package_files(f"{gemma3_270m.PACKAGE}_part4", "data/*.part*"), reason=f"needs {gemma3_270m.INSTALL}"
)


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gemma3_270m.ACCEPTED, "1")


def test_terms_are_shown_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gemma3_270m.ACCEPTED, raising=False)
    with pytest.raises(
        ModelError, match=r"Gemma Terms of Use .* read them at https://ai.google.dev/gemma/terms[ ,].*=1 if"
    ):
        load_model(NAME, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("accepted")
def test_absent_packages_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemma3_270m, "PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(
        ModelError, match=r"expected the 4 packages .*, found 0: run `pip install 'brainalign\[gemma3\]'`"
    ):
        load_model(NAME, cache=tmp_path)


@needs_packages
@pytest.mark.usefixtures("accepted")
def test_damaged_parts_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemma3_270m, "SHA256", "0" * 64)
    with pytest.raises(ModelError, match="expected parts with SHA-256 000"):
        load_model(NAME, cache=tmp_path)
    assert [path for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


@pytest.mark.slow
@needs_packages
@pytest.mark.skipif(
    os.environ.get(gemma3_270m.ACCEPTED) != "1", reason=f"the user has not set {gemma3_270m.ACCEPTED}=1"
)
def test_a_base_model_with_real_weights_continues_text_and_reads_problems() -> None:
    model = load_model(NAME)
    assert (converted_folder(model.facts, LoadOptions()) / "GEMMA_TERMS.html").is_file()
    config, expected = model.module.config, recorded_config(NAME)
    for trait in ("layer_types", "rope_parameters", "sliding_window", "query_pre_attn_scalar", "vocab_size"):
        assert getattr(config, trait) == getattr(expected, trait), trait
    text = [
        model.tokenizer.bos_token_id,
        *model.tokenizer("The capital of France is", add_special_tokens=False).input_ids,
    ]
    likely = [model.tokenizer.decode([token]) for token in model.forward(text).topk(5).indices.tolist()]
    assert " Paris" in likely
    problems, wording = generate_problems(1, seed=0), own_wording()
    ids = model.encode_problem(problems[0], wording)
    assert model.tokenizer.decode(ids) == "<bos>" + wording.for_base().messages(problems[0])[0]["content"]
    assert set(model.true_ids) == set(model_facts(NAME).answer_ids[0])  # type: ignore[index]
    # A base model told to answer behind "Answer:" knows at least that one of the words is due.
    best = model.forward(ids).topk(10).indices.tolist()
    assert np.isin([*model.true_ids, *model.false_ids], best).any()
