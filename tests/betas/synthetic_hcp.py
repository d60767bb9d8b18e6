"""HCP files of the release's layout with made-up pictures and betas, beside those of the synthetic release."""

import json
from pathlib import Path

import numpy as np
from scipy.io import savemat

from .synthetic_release import write_release

STIMULI = {
    # name: shapes and textures of top left, top right, bottom left and bottom right
    "int_x_YES_SHA.1.bmp": ((1, 1), (2, 1), (3, 2), (4, 2)),
    "int_x_NO_SHA.1.bmp": ((1, 1), (2, 1), (3, 2), (3, 4)),
    "int_x_YES_TEX.1.bmp": ((1, 1), (1, 2), (3, 3), (3, 4)),
    "int_x_NO_TEX.1.bmp": ((1, 1), (1, 2), (3, 3), (4, 3)),
    "int_x_YES_SHA.2.bmp": ((5, 1), (6, 1), (3, 2), (4, 2)),
    "int_x_NO_SHA.2.bmp": ((5, 1), (6, 1), (3, 2), (3, 4)),
    "int_same_YES_SHA.3.bmp": ((1, 1), (2, 1), (3, 2), (4, 2)),  # the pictures of the first
}
CORNERS = ("TopLeft", "TopRight", "BottomLeft", "BottomRight")
FIRST, *_, SAME = STIMULI
# Stimulus and answer of each trial; one subject saw a stimulus twice, the other the same pictures by two names.
TRIALS = {
    "100002": [*((name, 1) for name in list(STIMULI)[:4]), (FIRST, 0)],
    "100001": [(SAME, 1), (FIRST, 1), *((name, int("NO" in name)) for name in list(STIMULI)[2:6])],
}
GROUPS = {"100002": "80+", "100001": "100"}
N_VOXELS = {"100002": 6, "100001": 4}

SCRIPT = """
raise SystemExit("a script of somebody else was run")
task = ("You are an expert in comparing. I describe four images by shape and texture. "
        "Say if the shapes or the textures differ. ")
def tell(place):
    return f"shape is {place}; texture is {place}"
text = (
    f"1. Image A: {tell(1)}.\\n"
    f"2. Image B: {tell(2)}.\\n"
    f"3. Image C: {tell(3)}.\\n"
    f"4. Image D: {tell(4)}.\\n"
    f"Do C and D differ as A and B (in shape or texture)?"
)
answer = "Understood. I say 'True' or 'False'."
"""


def voxels(subject: str) -> np.ndarray:
    """Betas of the trials, float32 (n_trials, n_voxels)."""
    rng = np.random.default_rng(int(subject))
    return rng.standard_normal((len(TRIALS[subject]), N_VOXELS[subject])).astype(np.float32)


def voxel_path(root: Path, subject: str) -> Path:
    return root / "hcp_fmri_results" / "stimdurMeanRT" / GROUPS[subject] / f"{subject}.mat"


def trials_path(root: Path, subject: str) -> Path:
    return voxel_path(root, subject).with_name(f"{subject}_trialinfo.csv")


def write_voxels(root: Path, subject: str, values: np.ndarray) -> None:
    voxel_path(root, subject).parent.mkdir(parents=True, exist_ok=True)
    savemat(voxel_path(root, subject), {"all_voxels": values})


def write_trials(root: Path, subject: str, trials: list[tuple[str, int]]) -> None:
    rows = ["Stimulus,ACC", *(f"{name},{right}" for name, right in trials)]
    trials_path(root, subject).write_text("\n".join(rows) + "\n")


def stimulus(name: str) -> dict:
    """Entry of the stimulus file."""
    places = {
        corner: {"shape_id": shape, "texture_id": texture}
        for corner, (shape, texture) in zip(CORNERS, STIMULI[name], strict=True)
    }
    return {"stimulus_file": name, "n_objects": 4, "positions": places}


def write_hcp(root: Path) -> Path:
    """Write a release folder with both data sets and the scripts that hold their texts."""
    write_release(root)
    practice = {"stimulus_file": "Prac1_top.bmp", "n_objects": 2, "positions": {}}
    entries = [practice, *(stimulus(name) for name in STIMULI)]
    (root / "stimuli_mapping_final.jsonl").write_text("\n".join(map(json.dumps, entries)) + "\n")
    for subject, trials in TRIALS.items():
        write_voxels(root, subject, voxels(subject))
        write_trials(root, subject, trials)
    (root / "hcp_get_activations.py").write_text(SCRIPT)
    return root
