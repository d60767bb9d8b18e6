"""Studies submitted to a real Ray head on loopback, with token authentication."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray._raylet import AuthenticationTokenLoader

from brainalign.artifacts import Store
from brainalign.betas import ROIS
from brainalign.errors import ClusterError
from brainalign.launch import SubmitConfig, follow, job, pull, stop, submission, submit
from brainalign.launch.cluster import connect
from brainalign.search import verify_study

from .heads import TOKEN, Head, running_head
from .studies import NAME, REAL_STUDY_TEXT, STUDY_TEXT

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that only this side sees, as if the head were another machine."""
    return tmp_path_factory.mktemp("hidden")


@pytest.fixture(scope="module")
def head(hidden: Path) -> Iterator[Head]:
    with running_head(hidden if _can_hide() else None) as head:
        yield head


def _can_hide() -> bool:
    command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that nobody edits meanwhile."""
    copy = tmp_path_factory.mktemp("code") / "brainalign"
    shutil.copytree(job.PACKAGE, copy)
    return copy


@pytest.fixture(autouse=True)
def _copied(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "PACKAGE", package)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    forget_token()


@pytest.fixture(autouse=True)
def _hears_interrupts() -> Iterator[None]:
    """Hear SIGINT also where the tests run in the background, whose children ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(STUDY_TEXT)
    return path


def forget_token() -> None:
    """Forget the token that Ray's client remembers, as a new process would."""
    AuthenticationTokenLoader.instance().reset_cache()


def numbers(store: Path) -> list[int]:
    return [row.number for row in Store(store).read_trials(NAME)]


def test_a_wrong_token_and_none_are_one_line(
    head: Head, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterError, match="found a token that it refuses: set RAY_AUTH_TOKEN"):
        submit(study, SubmitConfig(head.dashboard, tmp_path / "store", token="another-token-0123456789abcdef"), print)
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    forget_token()
    with pytest.raises(ClusterError, match="found no token: set RAY_AUTH_TOKEN"):
        submit(study, SubmitConfig(head.dashboard, tmp_path / "store"), print)
    assert not (tmp_path / "store").exists()


def test_a_shared_store_is_written_and_a_second_time_nothing_is_sent(head: Head, study: Path, tmp_path: Path) -> None:
    pieces: list[str] = []
    config = SubmitConfig(head.dashboard, tmp_path / "store", runner="toy_runner:finish")
    first = submit(study, config, pieces.append)
    assert first.exit_code == 0, "".join(pieces)
    assert "study text: name: toy" in "".join(pieces)
    assert numbers(tmp_path / "store") == [0, 1, 2]
    assert first.pulled is None
    assert not list((tmp_path / "store").glob(".seen-*"))
    second = submit(study, config, pieces.append)
    assert second.job_id == f"{first.job_id}-2"
    assert (second.sent.n_sent, second.sent.n_skipped) == (0, 1)
    assert numbers(tmp_path / "store") == [0, 1, 2, 3]


def test_a_store_that_only_this_machine_sees_is_refused(head: Head, study: Path, hidden: Path) -> None:
    if not _can_hide():
        pytest.skip("needs the right to mount (root) to hide a folder from the head")
    pieces: list[str] = []
    store = hidden / "refused"
    found = submit(study, SubmitConfig(head.dashboard, store, runner="toy_runner:finish"), pieces.append)
    errors = [line for line in "".join(pieces).splitlines() if line.startswith("error: ")]
    assert found.exit_code == 2
    assert len(errors) == 1
    assert f"expected the store {store} on all 1 nodes" in errors[0]
    assert "use --pull" in errors[0]
    assert "study text" not in "".join(pieces)
    assert list(store.iterdir()) == []


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with the names of the release's files; what is in them does not matter on the way."""
    names = [f"fmri_data/x/all_extracted_beta_{roi}/sub-1/sub-1.mat" for roi in ROIS]
    for name in [
        *names,
        "neuroimaging_info/task_items.pkl",
        "neuroimaging_info/events.pkl",
        "prompts.json",
        "roi/dr.nii",
    ]:
        path = tmp_path / "release" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "release"


def test_pull_brings_results_and_sends_what_they_need(
    head: Head, study: Path, hidden: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.write_text(STUDY_TEXT.replace("source: simulated", "source: auto"))
    package = tmp_path / "packages" / "weights_of_a_test"
    package.mkdir(parents=True)
    (package / "w.gguf").write_text("some weights")
    (package / "code.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setattr(submission, "_WEIGHT_PACKAGES", {"tiny-random-llama": "weights_of_a_test"})
    pieces: list[str] = []
    rebuilt: list[tuple[Path, str]] = []
    config = SubmitConfig(head.dashboard, hidden / "pulled", betas=release, pull=True, runner="toy_runner:finish")
    first = submit(study, config, pieces.append, rebuild=lambda root, name: rebuilt.append((root, name)))
    log = "".join(pieces)
    assert first.exit_code == 0, log
    assert first.pulled is not None
    assert (first.pulled.n_new_trials, first.pulled.n_new_results) == (3, 3)
    assert first.sent.n_sent == 3  # code, betas, weights
    assert numbers(hidden / "pulled") == [0, 1, 2]
    assert rebuilt == [(hidden / "pulled", NAME)]
    assert "worker data=['fmri_data', 'neuroimaging_info', 'prompts.json']" in log
    assert "worker weights=some weights" in log
    assert f"worker cache={head.folder / 'node' / 'cache'}" in log

    # Another scratch store starts from what is done here: trials are not run twice.
    pieces.clear()
    elsewhere = SubmitConfig(**{**vars(config), "cluster_store": str(head.folder / "elsewhere")})
    second = submit(study, elsewhere, pieces.append)
    assert "3 trials there already" in "".join(pieces)
    assert second.sent.n_skipped == 2  # betas, weights
    assert second.pulled is not None
    assert second.pulled.n_new_trials == 1
    assert numbers(hidden / "pulled") == [0, 1, 2, 3]


def test_a_real_study_runs_there_and_its_mirrors_are_rebuilt_here(head: Head, tmp_path: Path, hidden: Path) -> None:
    study = tmp_path / "mini.yaml"
    study.write_text(REAL_STUDY_TEXT)
    pieces: list[str] = []
    config = SubmitConfig(head.dashboard, hidden / "real", pull=True)
    verified = []
    found = submit(
        study, config, pieces.append, rebuild=lambda root, name: verified.append(verify_study(Store(root), name))
    )
    log = "".join(pieces)
    assert found.exit_code == 0, log
    rows = Store(hidden / "real").read_trials("mini")
    assert [row.state for row in rows] == ["COMPLETE"] * len(rows), log
    assert found.pulled is not None
    assert found.pulled.n_new_trials == len(rows)
    searched = [row for row in rows if row.part == "selection"]
    assert len(searched) == 5
    assert verified[0].n_parquet == 5
    again = verify_study(Store(hidden / "real"), "mini")
    assert (again.n_parquet, again.n_optuna, again.n_mlflow, again.differences) == (5, 5, 5, ())


def test_the_exit_code_is_the_jobs(head: Head, study: Path, tmp_path: Path) -> None:
    pieces: list[str] = []
    found = submit(study, SubmitConfig(head.dashboard, tmp_path / "s", runner="toy_runner:fail"), pieces.append)
    assert found.exit_code == 3
    assert "about to fail" in "".join(pieces)


def test_detach_follow_leave_stop_pull(head: Head, study: Path, hidden: Path) -> None:
    pieces: list[str] = []
    store = hidden / "detached"
    config = SubmitConfig(head.dashboard, store, detach=True, pull=True, runner="toy_runner:dawdle")
    detached = submit(study, config, pieces.append)
    assert detached.exit_code is None
    assert f"--follow {detached.job_id}" in "".join(pieces)

    with pytest.raises(ClusterError, match=f"found job {detached.job_id}.*stop it with --stop"):
        submit(study, config, pieces.append)

    pieces.clear()
    timer = threading.Thread(target=_interrupt_after, args=("two trials are finished", pieces))
    timer.start()
    assert follow(head.dashboard, detached.job_id, pieces.append) == 130
    timer.join()
    assert f"job {detached.job_id} goes on" in "".join(pieces)
    assert str(connect(head.dashboard).client.get_job_status(detached.job_id)) == "RUNNING"

    assert pull(head.dashboard, detached.job_id).n_new_trials == 2  # while it runs
    assert numbers(store) == [0, 1]
    assert stop(head.dashboard, detached.job_id)
    assert not stop(head.dashboard, detached.job_id)
    pieces.clear()
    assert follow(head.dashboard, detached.job_id, pieces.append) == 130
    assert "interrupted" in "".join(pieces)
    assert pull(head.dashboard, detached.job_id).n_new_trials == 0
    with pytest.raises(ClusterError, match="expected job absent"):
        follow(head.dashboard, "absent", pieces.append)


def _interrupt_after(words: str, pieces: list[str]) -> None:
    end = time.monotonic() + 60
    while words not in "".join(pieces) and time.monotonic() < end:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
