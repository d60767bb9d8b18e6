"""Whether every node of a cluster sees the store that the submitting machine means."""

import re
import secrets
from contextlib import suppress
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from brainalign.errors import ClusterError, InputError, StudyError

_PREFIX = ".seen-"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one slash: pathlib makes s3:/bucket of s3://bucket
_TIMEOUT_S = 120.0


def checked_store(store: Path | str) -> Path:
    """Absolute path of a store that is a folder.

    Raises
    ------
    InputError
        It is a URI.
    """
    if _URI.match(str(store)):
        raise InputError(
            f"expected a folder as the store, found {store}: URIs are not supported yet; mount it on all nodes and "
            "name the mounted folder, or use --pull with a local store"
        )
    return Path(store).expanduser().resolve()


def leave_mark(store: Path) -> str:
    """Leave an empty file with a random name in a store; gives the name.

    Raises
    ------
    StudyError
        The store cannot be written.
    """
    path = store / f"{_PREFIX}{secrets.token_hex(8)}"
    try:
        store.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise StudyError(f"expected to write in {store}, found: {error.strerror}; choose another --store") from error
    return path.name


def remove_mark(store: Path, name: str) -> None:
    """Take away what :func:`leave_mark` left; either side may do it."""
    (store / name).unlink(missing_ok=True)


def check_visible(store: Path, name: str, way_out: str) -> int:
    """Look from every alive node for the file that :func:`leave_mark` left; gives the number of nodes.

    Raises
    ------
    ClusterError
        A node does not see it, or does not answer.
    """
    path = str(store / name)
    look = ray.remote(num_cpus=0, max_retries=0)(_is_file)
    nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    asked = {
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(path): address
        for node, address in nodes.items()
    }
    done, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_TIMEOUT_S)
    seen = set()
    for reference in done:
        with suppress(ray.exceptions.RayError):
            if ray.get(reference):
                seen.add(reference)
    blind = sorted({address for reference, address in asked.items() if reference not in seen})
    if blind:
        raise ClusterError(
            f"expected the store {store} on all {len(nodes)} nodes of the cluster, found it not on "
            f"{', '.join(blind)}: {way_out}"
        )
    return len(nodes)


def _is_file(path: str) -> bool:
    return Path(path).is_file()
