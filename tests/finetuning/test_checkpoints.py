"""Checkpoints: whole or not at all, and only of the same training."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from brainalign.errors import StudyError, TrainingError
from brainalign.finetuning.checkpoints import Checkpoints
from brainalign.finetuning.engine import TrainedState
from brainalign.finetuning.record import Step, TrainingRecord, Validation

IDENTITY = {"model": "tiny-random-llama", "base weights": "aa", "objective": "bb", "names": ["key", 1]}
STEP = Step(0, 1, 0.5, {"brain": 0.25, "label": 0.5}, 1.5, 1e-4, {"brain": 1.0, "label": 2.0}, -0.25)
RECORD = TrainingRecord(1, (STEP,), (Validation(1, 0.75),))


def state(n: int = 3) -> TrainedState:
    weights = {"layers.1.q": torch.randn(n, 2), "layers.2.q": torch.randn(5)}
    moments = {
        name: {key: torch.rand_like(value) for key, value in weights.items()} for name in ("exp_avg", "exp_avg_sq")
    }
    return TrainedState(1, weights, moments)


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    checkpoints, saved = Checkpoints(tmp_path / "trial", IDENTITY), state()
    assert checkpoints.load_last() is None
    checkpoints.save_last(saved, RECORD)
    checkpoints.save_best(saved, RECORD)
    found = checkpoints.load_last()
    assert found is not None
    assert found.record == RECORD
    assert found.state.n_steps == 1
    for key, value in saved.weights.items():
        assert torch.equal(found.state.weights[key], value)
        for moment in saved.moments:
            assert torch.equal(found.state.moments[moment][key], saved.moments[moment][key])
    best = checkpoints.load_best()
    assert best is not None
    assert best.state.moments == {}


def test_a_finished_training_needs_no_moments(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    checkpoints.save_last(state(200), RECORD)
    before = (tmp_path / "last.safetensors").stat().st_size
    checkpoints.save_last(state(200), TrainingRecord(1, (STEP,), (), True))
    assert (tmp_path / "last.safetensors").stat().st_size < 0.6 * before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("model", "tiny-random-phi3", r"a checkpoint of model tiny-random-phi3 in .*, found tiny-random-llama"),
        ("base weights", "cc", r"a checkpoint of base weights cc in .*, found aa"),
        ("objective", "dd", r"a checkpoint of objective dd in .*, found bb"),
        ("names", ["key", 2], r"a checkpoint of names \['key', 2\] in .*, found \['key', 1\]"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, name: str, value: object, message: str) -> None:
    Checkpoints(tmp_path, IDENTITY).save_last(state(), RECORD)
    content = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(TrainingError, match=message + ": choose another folder"):
        Checkpoints(tmp_path, {**IDENTITY, name: value}).load_last()
    assert (tmp_path / "last.safetensors").read_bytes() == content


def test_a_damaged_checkpoint(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    checkpoints.save_last(state(), RECORD)
    path = tmp_path / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(TrainingError, match=r"expected a whole checkpoint in .*last\.safetensors, found .*: delete it"):
        checkpoints.load_last()


@contextmanager
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 4 KB, as on a disk that is full; not even the tests' own report."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    full = r"expected to write .*last\.safetensors, found: File too large; free room"
    with small_files():
        checkpoints.save_last(state(), RECORD)
        with pytest.raises(StudyError, match=full):
            checkpoints.save_last(state(2000), TrainingRecord(2))
    found = checkpoints.load_last()
    assert found is not None
    assert found.record == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "then"), [(0, 0), (2, 3)])
def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path: Path, stage: int, then: int) -> None:
    compiled = tmp_path / "compiled"

    def start(folder: str, stage: int, kill_at: int) -> int:
        arguments = [str(tmp_path / folder), str(stage), str(kill_at)]
        command = [sys.executable, "-m", "tests.finetuning.trainings", *arguments]
        environment = {**os.environ, "TORCH_EXTENSIONS_DIR": str(compiled)}
        return subprocess.run(command, timeout=300, check=False, env=environment).returncode

    assert start("undisturbed", stage, 0) == 0
    assert start("killed", stage, 3) == -signal.SIGKILL
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {"best.safetensors", "last.safetensors"}
    assert start("killed", then, 0) == 0
    assert not compiled.exists()  # nothing of DeepSpeed's is compiled for a training
    with (
        np.load(tmp_path / "undisturbed" / "trained.npz") as expected,
        np.load(tmp_path / "killed" / "trained.npz") as found,
    ):
        assert set(found) == set(expected)
        assert len(found["losses"]) == 4 * 2
        for name in expected:
            assert np.abs(found[name] - expected[name]).max() <= 1e-6
