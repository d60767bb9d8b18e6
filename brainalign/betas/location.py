"""Where betas are looked for, in order: a path, ``BRAINALIGN_DATA``, the user cache, the network, the simulator."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from brainalign.betas.conversion import load_release
from brainalign.betas.dataset import DATASETS, DatasetName, FmriDataset
from brainalign.betas.fetch import cached_release, fetch_release, user_cache
from brainalign.betas.simulator import simulate_dataset
from brainalign.betas.simulator_config import SimulatorConfig
from brainalign.errors import DataNotFoundError, InputError

DATA_VARIABLE = "BRAINALIGN_DATA"
_log = logging.getLogger(__name__)


def load_betas(
    path: Path | str | None = None,
    *,
    dataset: DatasetName = "deductive",
    subjects: int | Iterable[str] | None = None,
    fetch_timeout_s: float | None = None,
    simulate: SimulatorConfig | None = None,
    fallback_simulated: bool = False,
) -> FmriDataset:
    """Load problems, betas and wording from the first place that has them.

    A place that is named (`path` or ``BRAINALIGN_DATA``) must hold the release: a broken one is an error and never
    replaced by simulated data.

    Parameters
    ----------
    path : Path or str, optional
        Folder of the release.
    dataset : {"deductive", "hcp"}
        The scanner's deductive problems, or HCP relational processing; the release's folder holds both. Simulated data
        have the shape that is asked for (their settings say so where `simulate` is given).
    subjects : int or iterable of str, optional
        The first so many, or names; files of others are not opened.
    fetch_timeout_s : float, optional
        Try the network where no release is found, with this limit on each wait; by default it is not tried.
    simulate : SimulatorConfig, optional
        Simulate with these settings. Without `fallback_simulated` no other place is looked at.
    fallback_simulated : bool
        Simulate if nothing else is found.

    Returns
    -------
    FmriDataset
        Its ``source.kind`` says whether the betas are simulated.

    Raises
    ------
    DataNotFoundError
        No release anywhere, and simulated data were not asked for.
    InputError
        A release that is not what it must be.
    """
    if dataset not in DATASETS:
        raise InputError(f"expected a data set of {', '.join(DATASETS)}, found {dataset!r}: choose one of them")
    if simulate is not None and simulate.dataset != dataset:
        raise InputError(
            f"expected a simulator of the data set {dataset}, found {simulate.dataset}: ask both for the same"
        )
    chosen = tuple(subjects) if subjects is not None and not isinstance(subjects, int) else subjects
    if simulate is not None and not fallback_simulated:
        if path is not None:
            raise InputError(f"expected either a folder or simulated betas, found both ({path}): leave one out")
        return simulate_dataset(simulate).select(chosen)
    root = _named_folder(path) or _unnamed_folder(fetch_timeout_s, may_fail=fallback_simulated)
    if root is not None:
        return load_release(root, user_cache(), chosen, dataset)
    if fallback_simulated:
        return simulate_dataset(simulate or SimulatorConfig(dataset=dataset)).select(chosen)
    raise DataNotFoundError(
        f"expected the release's betas at --betas, in {DATA_VARIABLE} or in {user_cache()}, found none: name a folder, "
        "run `brainalign data fetch`, or ask for simulated betas"
    )


def _named_folder(path: Path | str | None) -> Path | None:
    if path is not None:
        return Path(path)
    named = os.environ.get(DATA_VARIABLE)
    return Path(named) if named else None


def _unnamed_folder(fetch_timeout_s: float | None, *, may_fail: bool) -> Path | None:
    """Release in the cache, fetched if that is wanted and works."""
    cached = cached_release(user_cache())
    if cached.is_dir():
        return cached
    if fetch_timeout_s is None:
        return None
    try:
        return fetch_release(timeout_s=fetch_timeout_s)
    except InputError as error:
        if not may_fail:
            raise
        reason = str(error).partition("found: ")[2] or str(error)
        _log.warning("the release cannot be fetched, so betas are simulated (%s)", reason[-120:])
        return None
