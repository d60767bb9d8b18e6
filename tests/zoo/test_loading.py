"""Mapped weights, shared pages, and loads that this machine cannot do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from brainalign.errors import ModelError
from brainalign.zoo import load_model
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.loading import load_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    load_model("tiny-random-llama").module.save_pretrained(made)
    return made


def file_of(address: int) -> str:
    """File that is mapped at an address of this process; empty for none."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(part, 16) for part in line.split()[0].split("-"))
        if first <= address < last:
            return line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) == 6 else ""
    return ""


def test_weights_of_the_stored_type_are_mapped_and_others_are_copies(folder: Path) -> None:
    mapped = load_weights(folder, LoadOptions())
    assert {file_of(parameter.data_ptr()) for parameter in mapped.parameters()} == {str(folder / "model.safetensors")}
    copied = load_weights(folder, LoadOptions(dtype="bfloat16"))
    assert not any(file_of(parameter.data_ptr()).endswith("safetensors") for parameter in copied.parameters())


def test_training_in_one_load_leaves_the_file_and_other_loads_alone(folder: Path) -> None:
    one, other = load_weights(folder, LoadOptions()), load_weights(folder, LoadOptions())
    stored = (folder / "model.safetensors").read_bytes()
    weight = one.model.layers[0].self_attn.q_proj.weight
    before = other.model.layers[0].self_attn.q_proj.weight.clone()
    with torch.no_grad():
        weight += 1.0
    assert torch.equal(other.model.layers[0].self_attn.q_proj.weight, before)
    assert (folder / "model.safetensors").read_bytes() == stored


def test_a_device_that_is_not_there_is_named(folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ModelError, match="expected a device of this machine with room"):
        load_weights(folder, LoadOptions(device="cuda:0"))
    assert load_weights(folder, LoadOptions(device="auto")).device.type == "cpu"


SHARING = """
import re, sys
from brainalign.zoo import load_model
model = load_model("smollm2-135m")
for parameter in model.module.parameters():
    parameter.sum()
print("ready", flush=True)
sys.stdin.readline()
text = open("/proc/self/smaps").read()
blocks = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", text)
ours = [block for block in blocks if "model.safetensors" in block.partition(chr(10))[0]]
for name in ("Rss", "Pss", "Private_Dirty"):
    print(name, sum(int(re.search(rf"(?m)^{name}:\\s+(\\d+)", block)[1]) for block in ours), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's account of shared pages")
def test_two_processes_hold_the_weights_once() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SHARING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        counted = []
        for process in processes:
            # Answered while the other still waits, so that both hold the pages.
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            found = dict(process.stdout.readline().split() for _ in range(3))
            counted.append({name: 1024 * int(value) for name, value in found.items()})
            if len(counted) == 1:
                first = counted[0]
                assert first["Rss"] > 530e6
                assert first["Pss"] < 0.6 * first["Rss"]
                assert first["Private_Dirty"] < 0.01 * first["Rss"]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_bars_are_shown_again_after_a_load(folder: Path) -> None:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    load_weights(folder, LoadOptions())
    assert logging.is_progress_bar_enabled() == shown
