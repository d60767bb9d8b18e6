"""Layers shared by two gloo processes on the CPU; on GPUs it is the same code over NCCL, which is not run here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from brainalign.activations.check import check_model, check_on_processes
from brainalign.errors import ModelError
from brainalign.zoo import load_model
from tests.zoo.sharing import observe

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma2", "phi3"])
def test_two_processes_compute_what_one_does(family: str, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    commands = [[sys.executable, "-m", "tests.zoo.sharing", family, str(rank), "2", str(tmp_path)] for rank in (0, 1)]
    processes = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for command in commands]
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    alone = observe(1, family)
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert found["seen"].shape == alone["seen"].shape  # the whole width after the output projection, on each rank
        for name in ("plain", "steered", "seen", "margin"):
            assert torch.allclose(found[name], alone[name], atol=1e-4), name
        assert found["layer_numbers"] < 0.55 * alone["layer_numbers"]
        assert found["weights_hash"] == alone["weights_hash"]
    assert not torch.allclose(alone["plain"], alone["steered"], atol=1e-2)


@pytest.mark.slow
def test_a_check_starts_the_processes_itself() -> None:
    found = check_on_processes("tiny-random-llama", 2)
    assert {row.what for row in found} == {row.what for row in check_model(load_model("tiny-random-llama"))}
    assert all(row.passed for row in found), found
    with pytest.raises(ModelError, match="a number of processes that divides 4 heads and 2 key-value heads, found 3"):
        check_on_processes("tiny-random-llama", 3)
