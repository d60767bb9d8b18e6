"""Content keys and named random streams.

A key is a function of what a result means: scientific settings, hashes of weights and data, seeds, and the version that
a stage raises when its meaning changes. A stream is a function of names. Neither knows of time, place or order, so
parallelism and a restart change nothing.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.errors import InputError

HASH_LENGTH = 32
_CHUNK_BYTES = 1 << 20


def _canonical(value: Any) -> Any:
    """Turn a value into JSON that has one spelling; a float keeps its exact value, a whole float stays a float."""
    if isinstance(value, Mapping):
        return {str(name): _canonical(value[name]) for name in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, np.generic):
        return _canonical(value.item())
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"expected a finite number in a key, found {value}: leave it out or give a number")
        return value
    if value is None or isinstance(value, (str, bool, int)):
        return value
    raise InputError(f"expected JSON values in a key, found {type(value).__name__}: convert it first")


def hash_json(value: Any) -> str:
    """Hash a JSON value (mappings, sequences, strings, numbers, booleans, None) to 32 hexadecimal digits.

    Raises
    ------
    InputError
        A value that JSON has no exact spelling for (NaN, infinity, other types).
    """
    text = json.dumps(_canonical(value), separators=(",", ":"), ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Hash named arrays by name, dtype, shape and bytes to 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:HASH_LENGTH]


def hash_file(path: Path | str) -> str:
    """Hash a file's bytes to 32 hexadecimal digits."""
    return file_sha256(path)[:HASH_LENGTH]


def file_sha256(path: Path | str) -> str:
    """Give a file's SHA-256, all 64 hexadecimal digits, read piece by piece."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def content_key(stage: str, version: int, settings: Mapping[str, Any]) -> str:
    """Name the result of a stage by what it means.

    Parameters
    ----------
    stage : str
        Name of the stage, such as ``"activations"``.
    version : int
        The stage's ``VERSION``, raised by hand when its meaning changes.
    settings : mapping
        Scientific settings and input hashes. Devices, paths and workers do not belong here.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    return hash_json({"stage": stage, "version": version, "settings": settings})


def stream(*names: str | int) -> np.random.Generator:
    """Random stream that is a pure function of its names (no stream is ever shared).

    Examples
    --------
    >>> stream("study", 1, "guided", 3).integers(10) == stream("study", 1, "guided", 3).integers(10)
    np.True_
    """
    plain = [name.item() if isinstance(name, np.generic) else name for name in names]
    spelled = json.dumps([[type(name).__name__, str(name)] for name in plain])
    words = np.frombuffer(hashlib.sha256(spelled.encode()).digest(), dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(word) for word in words])))


def stream_seed(*names: str | int) -> int:
    """Derive a seed (31 bits) for libraries that take a whole number, such as Optuna's samplers."""
    return int(stream(*names).integers(2**31 - 1))
