"""What of a store takes room, what points to it, and what nothing points to."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from brainalign.artifacts.store import Store

GRACE_S = 3600.0
"""Files younger than this are never freed: a trial that runs now may be about to point to them."""


@dataclass(frozen=True)
class Holding:
    """Files of one sort.

    Attributes
    ----------
    what : str
        ``"study NAME"``, ``"results KIND"`` or ``"stage NAME"``.
    n_files, n_bytes : int
    n_unused, unused_bytes : int
        Those that nothing points to.
    """

    what: str
    n_files: int
    n_bytes: int
    n_unused: int
    unused_bytes: int


@dataclass(frozen=True)
class _File:
    path: Path
    what: str
    n_bytes: int
    used: bool


def take_stock(store: Store) -> list[Holding]:
    """Say what takes room in a store, the largest first."""
    groups: dict[str, list[_File]] = {}
    for file in _files(store):
        groups.setdefault(file.what, []).append(file)
    holdings = [_holding(what, files) for what, files in groups.items()]
    return sorted(holdings, key=lambda holding: (-holding.n_bytes, holding.what))


def _holding(what: str, files: list[_File]) -> Holding:
    unused = [file for file in files if not file.used]
    sizes = sum(file.n_bytes for file in files), sum(file.n_bytes for file in unused)
    return Holding(what, len(files), sizes[0], len(unused), sizes[1])


def free(store: Store, *, grace_s: float = GRACE_S, dry_run: bool = True) -> list[Holding]:
    """Free results and stages that nothing points to, and torn temporary files.

    What a finished trial of any study points to stays: its result, the stages and results that this stands on, and the
    states of its models. So do files that were written or found within the last `grace_s` seconds, so that a running
    study never loses what its next row will point to. What is freed was made from what stays and can be made again.

    Parameters
    ----------
    store : Store
    grace_s : float
        Seconds.
    dry_run : bool
        Say what would be freed, and free nothing.

    Returns
    -------
    list of Holding
        What was freed, or would be.
    """
    deadline = time.time() - grace_s
    freed: dict[str, list[_File]] = {}
    for file in _files(store):
        if file.used or not _is_older(file.path, deadline):
            continue
        if not dry_run:
            file.path.unlink(missing_ok=True)
        freed.setdefault(file.what, []).append(file)
    return [_holding(what, files) for what, files in sorted(freed.items())]


def study_bytes(store: Store, name: str) -> int:
    """Bytes of a study's folder, and of the results and stages that its trials alone or with others point to."""
    keys = _pointed(store, [name])
    total = sum(_size(path) for path in store.study_folder(name).rglob("*") if path.is_file())
    for path in _shared(store):
        if path.stem in keys:
            total += _size(path)
    return total


def _files(store: Store) -> Iterator[_File]:
    """All files of a store; those of studies always count as used."""
    names = store.studies()
    for name in names:
        for path in store.study_folder(name).rglob("*"):
            if path.is_file():
                yield _File(path, f"study {name}", _size(path), not _is_torn(path))
    keys = _pointed(store, names)
    for path in _shared(store):
        kind = store.result_kind(path.stem) if path.parent.name == "results" else path.parent.name
        what = f"results {kind}" if path.parent.name == "results" else f"stage {kind}"
        yield _File(path, what, _size(path), path.stem in keys)


def _shared(store: Store) -> Iterator[Path]:
    """Results and stages, torn temporary files among them."""
    for folder in (store.root / "results", *sorted((store.root / "stages").glob("*"))):
        yield from (path for path in sorted(folder.glob("*")) if path.is_file())


def _pointed(store: Store, names: Iterable[str]) -> set[str]:
    """Keys that trials of these studies point to, and all that those stand on."""
    keys: set[str] = set()
    for name in names:
        keys |= {str(key) for key in store.read_manifest(name).get("stages", ())}
        open_keys = {row.result_key for row in store.read_trials(name) if row.result_key}
        while open_keys:
            key = open_keys.pop()
            if key not in keys:
                keys.add(key)
                open_keys |= store.stands_on(key)
    return keys


def _is_torn(path: Path) -> bool:
    return path.name.startswith(".") and path.suffix == ".part"


def _is_older(path: Path, deadline: float) -> bool:
    """Whether a file was neither written nor found since; asked right before it is freed."""
    try:
        return os.stat(path).st_mtime < deadline
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
