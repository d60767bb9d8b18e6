"""Files of vectors: read back by this package, by safetensors alone, and by the gguf package."""

import json
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from safetensors import safe_open
from safetensors.numpy import save_file

from brainalign.errors import DataNotFoundError, InputError, ModelError
from brainalign.steering import load_vectors
from brainalign.zoo import LanguageModel, load_model
from tests.steering.test_operators import make_vectors


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


def test_saved_and_loaded_they_are_the_same(model: LanguageModel, tmp_path: Path) -> None:
    vectors = make_vectors(model, site="layer", tokens="all", description={"what": "a test", "strength": 2.0})
    found = load_vectors(vectors.save(tmp_path / "new" / "v.safetensors"), model)
    assert np.array_equal(found.values, vectors.values)
    for name in ("model", "weights_hash", "n_layers", "layers", "site", "tokens", "description"):
        assert getattr(found, name) == getattr(vectors, name)


def test_the_file_says_where_it_comes_from(model: LanguageModel, tmp_path: Path) -> None:
    vectors = make_vectors(model)
    with safe_open(vectors.save(tmp_path / "v.safetensors"), framework="np") as handle:
        assert set(handle.keys()) == {"layer.1", "layer.2"}
        assert np.array_equal(handle.get_tensor("layer.2"), vectors.values[1])
        facts = json.loads(handle.metadata()["brainalign"])
    assert facts["model"] == "tiny-random-llama"
    assert {"torch", "brainalign", "commit"} <= set(facts["provenance"])


def test_the_plain_dictionary_is_a_copy(model: LanguageModel) -> None:
    vectors = make_vectors(model)
    plain = vectors.to_dict()
    assert list(plain) == [1, 2]
    plain[1] += 1
    assert np.array_equal(vectors.to_dict()[1].numpy(), vectors.values[0])


def test_gguf_is_read_back_by_its_own_package(model: LanguageModel, tmp_path: Path) -> None:
    vectors = make_vectors(model)
    reader = GGUFReader(vectors.export_gguf(tmp_path / "v.gguf", model.facts.family))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "controlvector"
    assert fields["controlvector.model_hint"] == "llama"
    assert fields["controlvector.layer_count"] == 2
    assert fields["controlvector.site"] == "attention"
    found = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert set(found) == {"direction.1", "direction.2"}
    assert np.array_equal(found["direction.1"], vectors.values[0])
    assert np.array_equal(found["direction.2"], vectors.values[1])
    assert all(tensor.tensor_type.name == "F32" for tensor in reader.tensors)


def test_gguf_has_no_place_for_layer_zero(model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found a vector at layer 0"):
        make_vectors(model, layers=(0, 1)).export_gguf(tmp_path / "v.gguf", "llama")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "smollm2-135m"}, "smollm2-135m .4 layers, width 64., found tiny-random-llama"),
        ({"n_layers": 30}, "30 layers"),
        ({"values": np.ones((2, 63), np.float32)}, "width 63"),
    ],
)
def test_vectors_of_another_model_are_refused(
    model: LanguageModel, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = make_vectors(model, **change).save(tmp_path / "v.safetensors")
    with pytest.raises(ModelError, match=message):
        load_vectors(path, model)


def test_files_that_hold_no_vectors_are_refused(model: LanguageModel, tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    with pytest.raises(DataNotFoundError, match="no such file"):
        load_vectors(path, model)
    path.write_text("layer.1: 3")
    with pytest.raises(InputError, match="expected steering vectors of this package"):
        load_vectors(path, model)
    save_file({"layer.1": np.ones(64, np.float32)}, path)
    with pytest.raises(InputError, match="expected steering vectors of this package"):
        load_vectors(path, model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": (2, 1)}, "ascending layers"),
        ({"layers": (1, 4)}, "from 0 to 3"),
        ({"values": np.ones((3, 64), np.float32)}, r"found float32 \(3, 64\)"),
        ({"values": np.ones((2, 64))}, "found float64"),
        ({"values": np.full((2, 64), np.nan, np.float32)}, "found NaN"),
    ],
)
def test_vectors_that_do_not_fit_together_are_refused(
    model: LanguageModel, change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        make_vectors(model, **change)
