"""Fetch a published model into the cache: from the hub, a shared folder or any fsspec address, whole or not at all.

Files arrive in a folder of another name that stays when a fetch breaks off, so that the next one goes on. Only when all
are there, whole and those of the model is that folder renamed.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from brainalign.errors import ModelError
from brainalign.zoo import fetch_address, fetch_hub
from brainalign.zoo.facts import ModelFacts
from brainalign.zoo.model_files import SIDECAR, Sidecar, check_hashes, check_sizes, is_wanted
from brainalign.zoo.places import fetched_folder

_SUFFIX = ".part"
_MARK = ".source"


@dataclass(frozen=True)
class Arrived:
    """What a source says of the files that it gave: its address, the commit, and the SHA-256 of those it knows."""

    source: str
    commit: str | None
    hashes: dict[str, str]


@dataclass(frozen=True)
class Fetched:
    """A model that is there.

    Attributes
    ----------
    folder : Path
        Its files.
    sidecar : Sidecar
        Where they came from, and their hashes.
    was_there : bool
        Nothing had to be fetched.
    """

    folder: Path
    sidecar: Sidecar
    was_there: bool

    @property
    def n_bytes(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.sidecar.files.values())


def fetch_model(facts: ModelFacts, *, source: str | None = None, cache: Path | None = None) -> Fetched:
    """Fetch a model's files, or find them fetched.

    Parameters
    ----------
    facts : ModelFacts
        The model; its `revision` is what is asked for.
    source : str, optional
        A folder or fsspec address to take the files from; the hub by default.
    cache : Path, optional
        As for `load_model`.

    Raises
    ------
    ModelError
        The model needs no fetching; the source cannot be reached, refuses, or has other files; no room; a damaged file.
    """
    if facts.hub_id is None or facts.embedded:
        raise ModelError(f"expected a model of the hub, found {facts.name}: it needs no fetching, load it by its name")
    folder = fetched_folder(facts, cache)
    part = folder.with_name(f".{folder.name}{_SUFFIX}")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if folder.is_dir():
                return _found(folder)
            arrived = _transfer(facts, part, source)
            sidecar = _checked(facts, part, arrived)
            os.replace(part, folder)
    except OSError as error:
        raise ModelError(
            f"expected to write {folder}, found: {error}; free room or set BRAINALIGN_CACHE, then fetch again"
        ) from error
    return Fetched(folder, sidecar, was_there=False)


def _transfer(facts: ModelFacts, part: Path, source: str | None) -> Arrived:
    """Bring the files into `part`; what a fetch from elsewhere left there is dropped first."""
    where = source or f"hub:{facts.hub_id}"
    mark = part / _MARK
    if part.is_dir() and (not mark.is_file() or mark.read_text(encoding="utf-8") != where):
        shutil.rmtree(part)
    part.mkdir(exist_ok=True)
    mark.write_text(where, encoding="utf-8")
    if source is None:
        return Arrived(where, *fetch_hub.download(facts, part))
    return Arrived(where, *fetch_address.copy(facts, part, source))


def _found(folder: Path) -> Fetched:
    sidecar = Sidecar.read((folder / SIDECAR).read_text(encoding="utf-8"), str(folder))
    check_sizes(folder, sidecar)
    return Fetched(folder, sidecar, was_there=True)


def _checked(facts: ModelFacts, part: Path, arrived: Arrived) -> Sidecar:
    # Here, not above: what checks a model's configuration needs transformers.
    from brainalign.zoo.published import check_weights, checked_config

    names = [path.name for path in part.iterdir() if path.is_file() and is_wanted(path.name)]
    files = check_hashes(part, arrived.hashes, names)
    check_weights(part, facts, checked_config(part, facts))
    for path in part.iterdir():
        if path.name not in files:
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    sidecar = Sidecar(arrived.source, facts.revision, arrived.commit, files)
    sidecar.write(part)
    return sidecar
