"""Planned gradients and optimiser states of each ZeRO stage against those of DeepSpeed in two gloo processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brainalign.planning.activation_bytes import PassSetting
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape
from brainalign.planning.training_memory import TrainingSetting, stage_memory
from brainalign.zoo import load_model
from tests.planning.zero_bytes import BUCKET

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "dtype"), [(0, "float32"), (1, "bfloat16"), (2, "float32"), (2, "bfloat16"), (3, "bfloat16")]
)
def test_deepspeed_holds_what_is_planned(stage: int, dtype: str, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1"}
    command = [sys.executable, "-m", "tests.planning.zero_bytes"]
    processes = [
        subprocess.Popen(
            [*command, str(rank), str(stage), dtype, str(tmp_path / "meeting")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for rank in (0, 1)
    ]
    grown = []
    for process in processes:
        out, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
        grown.append(int(out.rpartition("grown ")[2]))

    shape = ModelShape.from_config(load_model("tiny-random-llama").module.config.to_dict())
    step = PassSetting((1, 2), None, answers=True, guided=True, dtype=dtype, checkpointing=False)
    planned = stage_memory(
        shape, TrainingSetting("narf_label", step, PromptSizes(1, 20, 20, 0), 2, 80.0), stage, offloaded=False
    )
    expected = planned.gradients + planned.optimiser
    if stage == 3:
        # Parameters as small as these stay whole beside their shares; the bucket is there from the start.
        expected += planned.parameters + BUCKET * step.n_bytes
    assert grown == pytest.approx([expected] * 2, rel=0.05)
