"""One driver a study: the second one hears who holds it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from brainalign.errors import StudyError


@contextmanager
def lease(folder: Path) -> Iterator[None]:
    """Hold a study's folder while a driver works on it; the system lets go of it when the driver dies.

    Raises
    ------
    StudyError
        Another driver holds it, or the folder cannot be written.
    """
    holder = folder / "driver.txt"
    lock = FileLock(folder / "driver.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        who = holder.read_text() if holder.is_file() else "another process"
        raise StudyError(f"study {folder.name!r} is being run by {who}: wait for it, or stop it first") from error
    except OSError as error:
        raise StudyError(f"expected to write in {folder}, found: {error.strerror}; choose another --store") from error
    try:
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
