"""Fetch the public release into the user cache: download, check every file that is used, put it in place whole."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainalign.artifacts import file_sha256
from brainalign.errors import DataNotFoundError, InputError

if TYPE_CHECKING:
    from brainalign.betas.download import Progress

RELEASE_COMMIT = "f4c6f6b1b737a3885e198185456c7f1241fd2149"
RELEASE_URL = f"https://github.com/pkuxmq/Brain-guided_LLM/archive/{RELEASE_COMMIT}.zip"

_ARCHIVE = "release.zip"
_PART = "release.zip.part"


def user_cache() -> Path:
    """Folder of the user's cache: the platform's own, under the system's place for caches (``XDG_CACHE_HOME``)."""
    from platformdirs import user_cache_path

    return Path(user_cache_path("brainalign", appauthor=False))


def cached_release(cache: Path) -> Path:
    """Folder in which a fetched release stands; it is there whole or not at all."""
    return cache / f"release-{RELEASE_COMMIT[:12]}"


def release_checksums() -> dict[str, str]:
    """SHA-256 of each file that is used, by its path in the release."""
    text = files(__package__).joinpath("release_checksums.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["files"])


def fetch_release(
    cache: Path | str | None = None,
    url: str | None = None,
    *,
    timeout_s: float = 30.0,
    checksums: Mapping[str, str] | None = None,
    progress: "Progress | None" = None,
) -> Path:
    """Download the release unless it is there, and check it.

    The archive's own checksum is not stable, so each file that is used is checked. An interrupted download goes on
    where it stopped when this is called again.

    Parameters
    ----------
    cache : Path or str, optional
        The user's cache by default.
    url : str, optional
        Address of the zip archive, ``RELEASE_URL`` by default.
    timeout_s : float
        Longest wait for a connection, and for the next bytes.
    checksums : mapping of path to SHA-256, optional
        The files to take and check; those of the release by default.
    progress : callable, optional
        Called with the bytes that are there and the total or None.

    Returns
    -------
    Path
        Root of the release.

    Raises
    ------
    DataNotFoundError
        The address cannot be reached, or the connection broke.
    InputError
        The archive is damaged or a file is not the one that was published; nothing is kept of it.
    """
    root = Path(cache) if cache is not None else user_cache()
    wanted = release_checksums() if checksums is None else dict(checksums)
    target = cached_release(root)
    if _is_whole(target, wanted):
        return target
    address = RELEASE_URL if url is None else url
    archive = _download(root / "downloads", address, timeout_s, progress)
    try:
        _unpack(archive, target, wanted, address)
    except OSError as error:
        raise InputError(
            f"expected to write to {root}, found {error}: free room there or name another cache"
        ) from error
    finally:
        archive.unlink(missing_ok=True)
    return target


def _is_whole(folder: Path, checksums: Mapping[str, str]) -> bool:
    return all((folder / name).is_file() and file_sha256(folder / name) == digest for name, digest in checksums.items())


def _download(folder: Path, url: str, timeout_s: float, progress: "Progress | None") -> Path:
    import pooch

    from brainalign.betas.download import ResumingDownloader

    part = folder / _PART
    # No checksum for the archive: GitHub packs it anew now and then. Its files are checked one by one.
    registry: Any = pooch.create(path=folder, base_url="", registry={_ARCHIVE: None}, urls={_ARCHIVE: url})
    try:
        with _quiet(pooch.get_logger()):
            found = registry.fetch(_ARCHIVE, downloader=ResumingDownloader(part, timeout_s, progress))
    except OSError as error:  # requests' own errors and an incomplete download are OSErrors too
        kept = part.stat().st_size / 2**20 if part.is_file() else 0.0
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataNotFoundError(
            f"expected the release at {url}, found: {reason}; try `brainalign data fetch` again "
            f"({kept:.1f} MiB are kept and continued), or name a folder with --betas or BRAINALIGN_DATA"
        ) from error
    return Path(found)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from printing what the caller's progress display says already."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _unpack(archive: Path, target: Path, checksums: Mapping[str, str], url: str) -> None:
    """Take the wanted files out of the archive, check them and put the folder in place by one rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".release-", dir=target.parent))
    try:
        for name, content in _members(archive, checksums, url):
            found = hashlib.sha256(content).hexdigest()
            if found != checksums[name]:
                raise InputError(
                    f"expected SHA-256 {checksums[name]} for {name} from {url}, found {found}: "
                    "run `brainalign data fetch` again; if it stays so, the address serves other files"
                )
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_bytes(content)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _members(archive: Path, checksums: Mapping[str, str], url: str) -> Iterator[tuple[str, bytes]]:
    """Wanted files of the archive; their paths there begin with one more folder."""
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = {name.partition("/")[2]: name for name in opened.namelist()}
            for name in checksums:
                if name not in inside:
                    raise InputError(f"expected {name} in the archive from {url}, found none: check the address")
                yield name, opened.read(inside[name])
    except (zipfile.BadZipFile, EOFError) as error:
        raise InputError(
            f"expected a zip archive from {url}, found {error}: run `brainalign data fetch` again"
        ) from error
