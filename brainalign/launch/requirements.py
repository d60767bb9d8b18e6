"""What a cluster's Python must have: only brainalign's code is sent, the packages that it needs are installed there."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from brainalign.errors import ClusterError

MIN_PYTHON = (3, 11)
# The packages without which no trial runs; named here for a checkout that is not installed.
CORE = (
    "ray",
    "torch",
    "transformers",
    "optuna",
    "mlflow",
    "numpy",
    "pyarrow",
    "pydantic",
    "safetensors",
    "scikit-learn",
)


def submitter_facts() -> dict[str, Any]:
    """Facts of this machine for the check on the cluster: what brainalign requires, and the versions here."""
    try:
        declared = [line for line in requires("brainalign") or [] if "extra ==" not in line]
    except PackageNotFoundError:
        declared = list(CORE)
    return {"requires": declared, "versions": {name: _installed(name) or "none" for name in ("ray", "torch")}}


def check_requirements(facts: dict[str, Any]) -> list[str]:
    """Compare this Python with what brainalign requires.

    Parameters
    ----------
    facts : dict
        What :func:`submitter_facts` gave on the submitting machine.

    Returns
    -------
    list of str
        Versions that differ from the submitting machine's: allowed, worth a line.

    Raises
    ------
    ClusterError
        Python is too old, or packages are absent or of another version.
    """
    if sys.version_info < MIN_PYTHON:
        raise ClusterError(
            f"expected Python {MIN_PYTHON[0]}.{MIN_PYTHON[1]} or newer on the cluster, found "
            f"{platform.python_version()} ({sys.executable}): start Ray from a newer Python"
        )
    try:
        from packaging.requirements import Requirement
    except ImportError as error:
        raise ClusterError(
            f"expected Ray's own Python on the cluster, found {sys.executable} without the package packaging: start "
            "Ray with its environment's bin folder on PATH"
        ) from error
    wrong = []
    for line in facts.get("requires", []):
        requirement = Requirement(line)
        found = _installed(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name}{requirement.specifier} (found {found or 'none'})")
    if wrong:
        raise ClusterError(
            f"expected on the cluster's Python ({sys.executable}): {', '.join(wrong)}; install brainalign's "
            "requirements on every node, or start Ray from the environment that has them"
        )
    theirs = facts.get("versions", {})
    return [
        f"{name} {_installed(name)} here, {theirs[name]} there" for name in theirs if theirs[name] != _installed(name)
    ]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
