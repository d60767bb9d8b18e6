"""What all tests share: where the real data are, and stores that vanish."""

import os
from pathlib import Path

import pytest

from brainalign.artifacts import Store
from tests.search.quickstart import Finished, write_small_quickstart

_BESIDE_THE_REPO = Path(__file__).resolve().parents[2] / "shared" / "data" / "brain-guided-release"


@pytest.fixture(scope="session")
def release_folder() -> Path:
    """The public release's data, or a skip that says how to get them."""
    named = os.environ.get("BRAINALIGN_DATA")
    for candidate in [Path(named)] if named else [_BESIDE_THE_REPO]:
        if (candidate / "fmri_data").is_dir():
            return candidate
    pytest.skip("needs the real betas: set BRAINALIGN_DATA to the release's folder, or `brainalign data fetch`")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture(autouse=True)
def _no_named_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests name their data themselves: the caller's variables must not change what they see."""
    for name in ("BRAINALIGN_DATA", "BRAINALIGN_STORE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The quickstart study, run once for all tests: on the simulator and a tiny model, by a real local Ray."""
    from brainalign.search import run_study
    from brainalign.study import load_study

    folder = tmp_path_factory.mktemp("quickstart")
    path = write_small_quickstart(folder)
    study, store = load_study(path), Store(folder / "store")
    return Finished(path, study, store, run_study(study, store=store))
