"""The quickstart's own file at a size for tests: a tiny model and simulated betas."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from brainalign.artifacts import UNSCIENTIFIC, Store, TrialRow
from brainalign.study import Study, read_study_text

if TYPE_CHECKING:
    from brainalign.search import StudyRun


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
    run: "StudyRun"
