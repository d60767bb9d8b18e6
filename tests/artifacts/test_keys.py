"""Content keys and named streams."""

import subprocess
import sys

import numpy as np
import pytest

from brainalign.artifacts import content_key, hash_arrays, hash_file, hash_json, stream, stream_seed
from brainalign.errors import InputError


def test_a_key_depends_on_content_and_not_on_the_order_of_names() -> None:
    assert content_key("s", 1, {"a": 1, "b": [1, 2]}) == content_key("s", 1, {"b": (1, 2), "a": 1})
    different = [
        ("s", 2, {"a": 1}),
        ("t", 1, {"a": 1}),
        ("s", 1, {"a": 2}),
        ("s", 1, {"a": 1.0}),
        ("s", 1, {"a": True}),
    ]
    keys = {content_key("s", 1, {"a": 1})} | {content_key(*args) for args in different}
    assert len(keys) == 6


def test_a_key_is_the_same_in_another_process() -> None:
    code = "from brainalign.artifacts import content_key; print(content_key('s', 1, {'x': 0.1, 'y': 'é'}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == content_key("s", 1, {"x": 0.1, "y": "é"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_a_key_refuses_what_has_no_exact_spelling(value: object) -> None:
    with pytest.raises(InputError, match="expected"):
        hash_json({"a": value})


def test_arrays_are_hashed_by_name_type_shape_and_bytes() -> None:
    base = np.arange(6, dtype=np.float32)
    same = hash_arrays({"a": base, "b": base[::2].copy()})
    assert same == hash_arrays({"b": base[::2], "a": base})
    others = [{"a": base.reshape(2, 3)}, {"a": base.astype(np.float64)}, {"c": base}, {"a": base + 1}]
    assert len({hash_arrays(other) for other in others} | {hash_arrays({"a": base})}) == 5


def test_a_file_is_hashed_by_its_bytes(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    (tmp_path / "b").write_bytes(b"x" * 3_000_000)
    assert hash_file(tmp_path / "a") == hash_file(tmp_path / "b")


def test_streams_are_functions_of_their_names() -> None:
    draws = stream("guided", 3).normal(size=1000)
    assert np.array_equal(draws, stream("guided", 3).normal(size=1000))
    for other in (("guided", 4), ("guided", "3"), ("guided3",), ("guided", 3, 0)):
        assert abs(np.corrcoef(draws, stream(*other).normal(size=1000))[0, 1]) < 0.15
    assert 0 <= stream_seed("a") < 2**31 - 1
