"""Where converted weights are kept, made once however many processes ask at the same time."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_dir

from brainalign.errors import ModelError


def models_folder(cache: Path | None = None) -> Path:
    """Folder of converted models: under `cache`, else ``BRAINALIGN_CACHE``, else the system's user cache."""
    root = cache or Path(os.environ.get("BRAINALIGN_CACHE") or user_cache_dir("brainalign"))
    return root / "models"


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Give a folder that `make` has filled, and fill it where it is not there.

    It is filled under another name and renamed, so it is whole or absent; a lock lets one process do it while the
    others wait.

    Raises
    ------
    ModelError
        The cache cannot be written.
    """
    if folder.exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                _fill(folder, make)
    except OSError as error:
        raise ModelError(
            f"expected to write the model cache {folder.parent}, found: {error}; free room or set BRAINALIGN_CACHE"
        ) from error
    return folder


def _fill(folder: Path, make: Callable[[Path], None]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        make(temporary)
        temporary.chmod(0o755)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
