"""Copy a model from a folder that a cluster shares, or from any address that fsspec knows."""

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from brainalign.errors import ModelError
from brainalign.zoo.facts import ModelFacts
from brainalign.zoo.model_files import CONFIG, SIDECAR, Sidecar, is_wanted

_CHUNK_BYTES = 1 << 22


def copy(facts: ModelFacts, folder: Path, address: str) -> tuple[str | None, dict[str, str]]:
    """Copy a model's files into a folder that may hold some of them already.

    The address is a folder with the repository's files, one that `brainalign zoo fetch` filled, or the hub's cache
    (``models--…`` or the folder above it).

    Returns
    -------
    commit : str or None
        The commit, where the source says it.
    hashes : dict of str to str
        SHA-256 of files that the source knows.

    Raises
    ------
    ModelError
        The address cannot be read, or there is no model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        files, root = fsspec.core.url_to_fs(address)
        place, commit = _model_place(files, root.rstrip("/"), facts)
        if place is None:
            raise ModelError(
                f"expected a model's {CONFIG} or the hub's cache of {facts.hub_id} at {address}, found neither: name "
                "the folder that holds it"
            )
        names = [PurePosixPath(path).name for path in files.ls(place, detail=False)]
        for name in sorted(name for name in names if is_wanted(name)):
            _copy_file(files, f"{place}/{name}", folder / name)
        known = _known(files, place)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(
            f"expected to read a model at {address}, found: {' '.join(str(error).split()) or repr(error)}; check the "
            "address and its rights, what has arrived is kept"
        ) from error
    if known is None:
        return commit, {}
    return known.commit or commit, {name: sha for name, (_, sha) in known.files.items()}


def _model_place(files: Any, root: str, facts: ModelFacts) -> tuple[str | None, str | None]:
    """Folder of the files under an address, and the commit where its name says it."""
    if files.exists(f"{root}/{CONFIG}"):
        return root, None
    for cache in (root, f"{root}/models--{str(facts.hub_id).replace('/', '--')}"):
        commit = facts.revision
        if files.exists(f"{cache}/refs/{facts.revision}"):
            commit = files.cat_file(f"{cache}/refs/{facts.revision}").decode().strip()
        if files.exists(f"{cache}/snapshots/{commit}/{CONFIG}"):
            return f"{cache}/snapshots/{commit}", commit
    return None, None


def _copy_file(files: Any, source: str, target: Path) -> None:
    """Copy one file, going on where an earlier copy stopped."""
    size = int(files.size(source))
    kept = target.stat().st_size if target.is_file() else 0
    if kept > size:
        kept = 0
    if kept == size and target.is_file():
        return
    with files.open(source, "rb") as reader, target.open("ab" if kept else "wb") as writer:
        reader.seek(kept)
        shutil.copyfileobj(reader, writer, _CHUNK_BYTES)
    found = target.stat().st_size
    if found != size:
        raise OSError(f"{found} of {size} bytes of {source}")


def _known(files: Any, place: str) -> Sidecar | None:
    if not files.exists(f"{place}/{SIDECAR}"):
        return None
    return Sidecar.read(files.cat_file(f"{place}/{SIDECAR}").decode(), place)
