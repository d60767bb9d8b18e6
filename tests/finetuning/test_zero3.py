"""States come from outputs of modules, so partitioned weights change nothing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_partitioned_weights_and_checkpointed_layers_have_the_same_gradient() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.finetuning.zero3", str(port)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = next(line for line in ran.stdout.splitlines() if line.startswith("largest difference"))
    assert float(said.rsplit(" ", 1)[1]) < 1e-5
