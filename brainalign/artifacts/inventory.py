"""What of a store takes room, what points to it, and what nothing points to."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from brainalign.artifacts.store import Store
from brainalign.artifacts.tables import TrialRow

GRACE_S = 3600.0
"""Files written or found in the last so many seconds are never freed: a running trial may be about to point to them."""


@dataclass(frozen=True)
class Holding:
    """Files of one sort.

    Attributes
    ----------
    what : str
        ``"study NAME"``, ``"results KIND"``, ``"stage NAME"`` or ``"checkpoints"``.
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


def study_bytes(store: Store, name: str, rows: Iterable[TrialRow]) -> int:
    """Bytes of a study's folder, and of what is kept under the keys of its trials' results, shared or not."""
    own = sum(_size(path) for path in store.study_folder(name).rglob("*") if path.is_file())
    keys = {row.result_key for row in rows if row.result_key}
    stages = (path for path in (store.root / "stages").glob("*/*.safetensors") if path.stem in keys)
    return own + sum(map(_size, map(store.result_path, keys))) + sum(map(_size, stages))


def _files(store: Store) -> Iterator[_File]:
    """All files of a store that the platform knows; those of studies always count as used."""
    names = store.studies()
    for name in names:
        for path in store.study_folder(name).rglob("*"):
            if path.is_file():
                yield _File(path, f"study {name}", _size(path), not _is_torn(path))
    pointed = _pointed(store, names)
    for path in sorted((store.root / "results").glob("*.parquet")):
        kind = store.result_facts(path.stem).get("kind", "damaged")
        yield _File(path, f"results {kind}", _size(path), path.stem in pointed.keys)
    for path in sorted((store.root / "stages").glob("*/*.safetensors")):
        used = path.stem in pointed.keys or pointed.by_older
        yield _File(path, f"stage {path.parent.name}", _size(path), used)
    for path in sorted(store.checkpoints.glob("*/[!.]*")):
        used = path.parent.name in pointed.keys or pointed.by_older
        yield _File(path, "checkpoints", _size(path), used)
    torn = ("results/.*.part", "stages/*/.*.part", "checkpoints/*/.*.part")
    for path in (path for pattern in torn for path in store.root.glob(pattern)):
        yield _File(path, "torn files", _size(path), False)


@dataclass(frozen=True)
class _Pointed:
    """Keys that trials point to with all that those stand on, and whether a result is too old to say what that is."""

    keys: frozenset[str]
    by_older: bool


def _pointed(store: Store, names: Iterable[str]) -> _Pointed:
    keys: set[str] = set()
    by_older = False
    open_keys = {row.result_key for name in names for row in store.read_trials(name) if row.result_key}
    while open_keys:
        key = open_keys.pop()
        if key in keys:
            continue
        keys.add(key)
        if store.result_path(key).is_file():
            stands_on = store.result_facts(key).get("stands_on")
            by_older = by_older or stands_on is None
            open_keys |= set(stands_on or ()) - keys
    return _Pointed(frozenset(keys), by_older)


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
