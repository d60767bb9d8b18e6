"""A small folder of the release's layout with made-up problems and betas, and ways to pack it."""

import hashlib
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import savemat

from brainalign.stimuli import generate_problems

ROIS = {"deductive_reasoning": 5, "language": 7, "md": 9}
SUBJECTS = ("sub-01", "sub-02", "sub-03")
RUNS = ("task-Syllogisms_run-01", "task-Syllogisms_run-02", "task-Transitive_run-01", "task-Transitive_run-02")
N_A_RUN = 4
COLUMNS = ["premise1", "premise2", "premise3", "conclusion", "trial_type"]
CYCLE = ["Elsa is ruder than Igor", "Igor is ruder than Ida", "Ida is ruder than Elsa", "Elsa is ruder than Ida"]
CYCLE_ROW = 9  # second problem of the third run

SCRIPT = """
first = "You are an expert. There are three premises about pseudowords."
second = "You are an expert. There are three premises with comparative words."
answer = "Understood. I say 'True' or 'False'."
layout = "Premises:\\n1. %s.\\n2. %s.\\n3. %s.\\nConclusion:\\n%s." % ("", "", "", "")
"""


def table(rows: list[list[Any]], columns: list[str]) -> pd.DataFrame:
    """Table of the release's kind: plain object columns."""
    return pd.DataFrame(rows, columns=pd.Index(columns, dtype=object), dtype=object)


def item_rows() -> dict[str, list[list[Any]]]:
    """Made-up problems by run, one of them contradictory."""
    problems = generate_problems(2 * N_A_RUN, seed=11)
    rows = [[*p.premises, f"{p.conclusion} ", p.category] for p in problems]
    rows[CYCLE_ROW] = [*CYCLE, "2_true_affirm"]
    return {run: rows[place * N_A_RUN : (place + 1) * N_A_RUN] for place, run in enumerate(RUNS)}


def answers(subject: str) -> np.ndarray:
    """Accuracy by row of the items: 1, 0 or NaN."""
    rng = np.random.default_rng(SUBJECTS.index(subject))
    found = rng.integers(0, 2, len(RUNS) * N_A_RUN).astype(float)
    found[2] = np.nan
    return found


def voxels(roi: str, subject: str) -> np.ndarray:
    """Betas before anything is dropped, float32 (16, n_voxels)."""
    rng = np.random.default_rng([list(ROIS).index(roi), SUBJECTS.index(subject)])
    return rng.standard_normal((len(RUNS) * N_A_RUN, ROIS[roi])).astype(np.float32)


def voxel_path(root: Path, roi: str, subject: str) -> Path:
    return root / "fmri_data" / "preprocessed" / "top-10%" / f"all_extracted_beta_{roi}" / subject / f"{subject}.mat"


def write_voxels(root: Path, roi: str, subject: str, values: np.ndarray) -> None:
    path = voxel_path(root, roi, subject)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"all_voxels": values})


def write_pickle(root: Path, name: str, value: Any) -> None:
    (root / "neuroimaging_info").mkdir(parents=True, exist_ok=True)
    with (root / "neuroimaging_info" / name).open("wb") as handle:
        pickle.dump(value, handle)


def event_tables(subject: str, shuffle: Callable[[int], np.ndarray] | None = None) -> dict[str, pd.DataFrame]:
    """A subject's answers by run; rows in another order than the items', as `shuffle` says."""
    tables = {}
    for place, (run, rows) in enumerate(item_rows().items()):
        accuracy = answers(subject)[place * N_A_RUN : (place + 1) * N_A_RUN]
        filled = [[*row[:4], given] for row, given in zip(rows, accuracy, strict=True)]
        order = range(N_A_RUN) if shuffle is None else shuffle(N_A_RUN)
        found = table([filled[index] for index in order], [*COLUMNS[:4], "accuracy"])
        tables[run] = found.astype({"accuracy": float})
    return dict(reversed(tables.items()))


def write_release(root: Path) -> Path:
    """Write the whole folder: items, events shuffled by subject, betas, script."""
    write_pickle(root, "task_items.pkl", {run: table(rows, COLUMNS) for run, rows in item_rows().items()})
    events = {
        subject: event_tables(subject, np.random.default_rng(place).permutation)
        for place, subject in enumerate(SUBJECTS)
    }
    write_pickle(root, "events.pkl", events)
    for roi in ROIS:
        for subject in SUBJECTS:
            write_voxels(root, roi, subject, voxels(roi, subject))
    (root / "get_activations.py").write_text(SCRIPT)
    return root


def checksums(root: Path) -> dict[str, str]:
    """SHA-256 of every file by its path."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def pack(root: Path, archive: Path) -> bytes:
    """Zip a folder as a code host does: everything inside one more folder."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        for name in checksums(root):
            opened.write(root / name, f"Some-repository-0123abc/{name}")
        opened.writestr("Some-repository-0123abc/../../outside.txt", "not wanted")
        opened.writestr("Some-repository-0123abc/large.bin", np.random.default_rng(0).bytes(400_000))
    return archive.read_bytes()
