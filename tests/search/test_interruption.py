"""What a stopped or killed driver leaves behind, and that going on ends in the same table."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from brainalign.artifacts import Store
from brainalign.search import study_status, verify_study
from tests.search.quickstart import Finished, scientific, small_quickstart, write_small_quickstart

pytestmark = pytest.mark.slow


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "brainalign.cli", "study", *arguments, "--store", str(folder / "store")]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )


def hear_ctrl_c() -> None:
    """Listen to SIGINT also where the tests themselves run in the background, whose children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_trials(store: Store, n_trials: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 240
    while len(store.read_trials("quickstart")) < n_trials:
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < deadline, "no trial finished"
        time.sleep(0.05)


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_study_goes_on_to_the_same_table(
    finished: Finished, tmp_path: Path, signal_number: int, code: int
) -> None:
    path, store = write_small_quickstart(tmp_path), Store(tmp_path / "store")
    process = start(tmp_path, "run", str(path), "--workers", "1")
    wait_for_trials(store, 4, process)
    os.kill(process.pid, signal_number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == code, output
    if signal_number == signal.SIGINT:
        assert "brainalign study resume quickstart" in output
    kept = store.read_trials("quickstart")
    assert 4 <= len(kept) < 26
    resumed = start(tmp_path, "resume", "quickstart")
    output, _ = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, output
    rows = store.read_trials("quickstart")
    assert [row for row in rows if row in kept] == kept
    assert scientific(rows) == scientific(finished.store.read_trials("quickstart"))
    assert verify_study(store, "quickstart").differences == ()


def test_a_second_driver_is_told_who_holds_the_study(tmp_path: Path) -> None:
    path, store = write_small_quickstart(tmp_path), Store(tmp_path / "store")
    process = start(tmp_path, "run", str(path))
    wait_for_trials(store, 1, process)
    second = start(tmp_path, "run", str(path))
    output, _ = second.communicate(timeout=120)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert second.returncode == 2
    assert f"process {process.pid}" in output


def test_a_killed_worker_is_replaced_and_the_table_is_the_same(finished: Finished, tmp_path: Path) -> None:
    path, store = write_small_quickstart(tmp_path), Store(tmp_path / "store")
    process = start(tmp_path, "run", str(path))
    wait_for_trials(store, 3, process)
    killed = 0
    while not killed:
        assert process.poll() is None, "the study ended before a worker was seen at work"
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "ResourceTrainable.train" in " ".join(child.cmdline()):
                    child.kill()
                    killed += 1
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert scientific(store.read_trials("quickstart")) == scientific(finished.store.read_trials("quickstart"))


def test_a_silent_worker_counts_as_lost_and_its_trial_is_run_elsewhere(finished: Finished, tmp_path: Path) -> None:
    raw, store = small_quickstart("quickstart"), Store(tmp_path / "store")
    path = tmp_path / "quickstart.yaml"
    path.write_text(yaml.safe_dump({**raw, "execution": {"trial_timeout_s": 45}}))
    process = start(tmp_path, "run", str(path))
    wait_for_trials(store, 3, process)
    stopped = 0
    while not stopped:
        assert process.poll() is None, "the study ended before a worker was seen at work"
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if not stopped and "ResourceTrainable.train" in " ".join(child.cmdline()):
                    child.suspend()  # as behind a cut link: it neither answers nor dies
                    stopped += 1
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert "its worker counts as lost" in output
    assert scientific(store.read_trials("quickstart")) == scientific(finished.store.read_trials("quickstart"))
    assert study_status(store, "quickstart")["failures"]["met"]["lost"] >= 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")
def test_a_full_store_ends_the_study_with_one_line_and_loses_nothing(tmp_path: Path) -> None:
    path, root = write_small_quickstart(tmp_path), tmp_path / "store"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(root)], check=True)
    try:
        process = start(tmp_path, "run", str(path))
        output, _ = process.communicate(timeout=240)
        kept = Store(root).read_trials("quickstart")
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)
    assert process.returncode == 2, output
    assert "No space left" in output
    assert "Traceback" not in output
    assert all(row.state == "COMPLETE" for row in kept)
