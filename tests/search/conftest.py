"""The quickstart study, run once for all tests: on the simulator and a tiny model, by a real local Ray."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from brainalign.artifacts import Store, TrialRow
from brainalign.search import StudyRun, run_study
from brainalign.study import Study, load_study, read_study_text

# What may differ between two runs of one study; everything else must be equal.
UNSCIENTIFIC = ("started_at", "seconds", "host", "versions", "reused")


def small_quickstart(name: str) -> dict:
    """The quickstart's own file, its model and data replaced by small ones."""
    raw = yaml.safe_load(read_study_text("quickstart"))
    raw |= {"name": name, "models": ["tiny-random-llama"]}
    raw["betas"] = {"source": "simulated", "simulator": {"n_subjects": 3, "n_problems_per_type": 20}}
    return raw


def write_small_quickstart(folder: Path, name: str = "quickstart") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(small_quickstart(name)))
    return path


def scientific(rows: list[TrialRow]) -> list[dict]:
    """Rows without times and hosts."""
    return [{key: value for key, value in vars(row).items() if key not in UNSCIENTIFIC} for row in rows]


@dataclass(frozen=True)
class Finished:
    """A finished study: its file, store and run."""

    path: Path
    study: Study
    store: Store
    run: StudyRun


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("quickstart")
    path = write_small_quickstart(folder)
    study, store = load_study(path), Store(folder / "store")
    return Finished(path, study, store, run_study(study, store=store))
