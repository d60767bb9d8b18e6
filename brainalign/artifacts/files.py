"""Files that are written whole or not at all."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainalign.errors import StudyError


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file through a temporary neighbour, fsync and rename.

    Parameters
    ----------
    path : Path
        Where the file shall stand; missing folders are made.
    write : callable
        Writes the whole content to the path that it is given.

    Raises
    ------
    StudyError
        The disk is full, read-only or refuses for another reason; what stood at `path` before still stands.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".part", dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary = Path(name)
    try:
        write(temporary)
        _sync(temporary)
        temporary.chmod(0o666 & ~_umask())  # mkstemp's own mode would hide results from the user's group
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes whole or not at all."""
    write_atomically(path, lambda temporary: _write_bytes(temporary, content))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_atomically(path, lambda temporary: _write_text(temporary, text))


def write_new(path: Path, text: str) -> None:
    """Write a text file that can be written once.

    Raises
    ------
    StudyError
        Something stands at `path` already, or the disk refuses.
    """
    waiting = path.with_name(f".{path.name}.{os.getpid()}")
    write_text(waiting, text)
    try:
        waiting.chmod(0o444)
        os.link(waiting, path)  # unlike a rename it never replaces
    except FileExistsError as error:
        raise StudyError(
            f"expected nothing at {path}, found a file: it is written once, choose another name"
        ) from error
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        waiting.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> StudyError:
    reason = error.strerror or str(error)
    return StudyError(f"expected to write {path}, found: {reason}; free room there or choose another --store")
