"""A process by itself: no launcher, no address, nothing left in the environment."""

import os
import subprocess
import sys

import pytest
import torch

from brainalign.finetuning.process_group import join_group, local_rank

CPU = torch.device("cpu")


def test_a_group_of_one_is_joined_again() -> None:
    first, second = join_group(CPU), join_group(CPU)
    assert first == second
    assert (first.rank, first.size, first.is_first) == (0, 1, True)
    assert first.total(torch.tensor([1.5, 2.0])).tolist() == [1.5, 2.0]
    assert first.share_first({"a": 1}) == {"a": 1}


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    before = dict(os.environ)
    with local_rank(CPU):
        assert os.environ["LOCAL_RANK"] == "0"
    assert dict(os.environ) == before
    monkeypatch.setenv("LOCAL_RANK", "3")
    with local_rank(CPU):
        assert os.environ["LOCAL_RANK"] == "3"
    assert os.environ["LOCAL_RANK"] == "3"


@pytest.mark.slow
def test_two_processes_of_a_machine_do_not_meet() -> None:
    code = (
        "import torch, sys\nfrom brainalign.finetuning.process_group import import_deepspeed, join_group\n"
        "group = join_group(torch.device('cpu'))\nimport_deepspeed()\nprint(group.size, flush=True)\nsys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", code], **pipes) for _ in range(2)]  # type: ignore[call-overload]
    assert [process.stdout.readline() for process in both] == ["1\n", "1\n"]
    assert [process.communicate(timeout=60)[0] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]
