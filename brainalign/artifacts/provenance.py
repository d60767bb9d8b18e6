"""What a result was made with; never part of a key."""

import os
import platform
import socket
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("brainalign", "torch", "transformers", "ray", "optuna", "mlflow", "numpy", "scipy", "scikit-learn")


@cache
def provenance() -> dict[str, str]:
    """Versions of the packages, Python, platform, host and commit (where the package runs from a checkout)."""
    facts = {"python": platform.python_version(), "platform": platform.platform(), "host": socket.gethostname()}
    for name in _PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not installed"
    facts["commit"] = _commit()
    return facts


def _commit() -> str:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return os.environ.get("BRAINALIGN_COMMIT", "unknown")
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()
