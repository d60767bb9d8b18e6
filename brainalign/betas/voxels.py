"""Read the voxels of one MATLAB file, and drop those that hold NaN."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from brainalign.errors import InputError

_VARIABLE = "all_voxels"


def read_voxels(path: Path, n_rows: int, rows: str) -> np.ndarray:
    """Read the betas of one subject and ROI, float32 (n_rows, n_voxels).

    Parameters
    ----------
    path : Path
    n_rows : int
    rows : str
        File whose rows these are, as errors name it.

    Raises
    ------
    InputError
        The file cannot be read, has another shape or holds NaN only.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        contents = loadmat(path, variable_names=[_VARIABLE])
    except (OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, zlib.error, MatReadError) as error:
        raise InputError(f"expected a MATLAB file (version 5) in {path}, found {error}: restore the file") from error
    array = contents.get(_VARIABLE)
    if array is None:
        raise InputError(f"expected the variable {_VARIABLE} in {path}, found none: restore the release's file")
    if array.ndim != 2 or array.shape[0] != n_rows or array.shape[1] == 0 or array.dtype.kind != "f":
        raise InputError(
            f"expected {_VARIABLE} as float ({n_rows}, n voxels), one row a row of {rows}, found "
            f"{array.dtype} {array.shape} in {path}: restore the file, or leave the subject out with --subjects"
        )
    if not np.isfinite(array).any():
        raise InputError(
            f"expected betas in {path}, found NaN only: leave the subject out with --subjects, or remove its files"
        )
    return np.asarray(array, dtype=np.float32)


def drop_columns(
    roi: str, raw: Mapping[str, np.ndarray], paths: Mapping[str, Path]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Drop the columns that hold NaN (or infinity) in any subject; columns are the same voxels in all subjects.

    Parameters
    ----------
    roi : str
    raw : mapping of subject to ndarray
        float32 (n_rows, n_voxels).
    paths : mapping of subject to Path
        Where they were read, for errors.

    Returns
    -------
    values : dict of subject to ndarray
    reasons : list of str
        What was dropped and why; empty if nothing was.

    Raises
    ------
    InputError
        Numbers of voxels differ, or no column is left.
    """
    first, *others = raw
    n_voxels = raw[first].shape[1]
    for subject in others:
        if raw[subject].shape[1] != n_voxels:
            raise InputError(
                f"expected {n_voxels} voxels of {roi} as in {first}, found {raw[subject].shape[1]} in "
                f"{paths[subject]}: restore the file, or leave the subject out with --subjects"
            )
    broken = {subject: ~np.isfinite(array).all(axis=0) for subject, array in raw.items()}
    keep = ~np.any(list(broken.values()), axis=0)
    if not keep.any():
        worst = max(broken, key=lambda subject: int(broken[subject].sum()))
        raise InputError(
            f"expected voxels of {roi} without NaN in every subject, found none left ({int(broken[worst].sum())} of "
            f"{n_voxels} hold NaN in {paths[worst]}): leave {worst} out with --subjects"
        )
    guilty = [subject for subject, columns in broken.items() if columns.any()]
    n_dropped = int((~keep).sum())
    reasons = [f"{roi}: {n_dropped} of {n_voxels} voxels hold NaN in {', '.join(guilty)}"] if n_dropped else []
    return {subject: np.ascontiguousarray(array[:, keep]) for subject, array in raw.items()}, reasons
