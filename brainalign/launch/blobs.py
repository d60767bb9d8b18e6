"""On the cluster: folders put together again from content-addressed packages, and found by the rest of the platform.

Ray unpacks each package of a job on every node and puts it on ``PYTHONPATH``. ``launch.json`` beside the package
``brainalign`` says how files are made of them. A folder is made once a node, whole or not at all, and checked by
SHA-256. Only the standard library is used here: this runs in every worker process, and before it is known what else is
installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from brainalign.errors import ClusterError

BLOB_PREFIX = "brainalign_blob_"
PLAN = "launch.json"
_CHUNK = 1 << 20


def node_folder() -> Path:
    """Folder of this user on this node: ``BRAINALIGN_NODE_FOLDER``, else one in the system's temporary folder."""
    named = os.environ.get("BRAINALIGN_NODE_FOLDER")
    return Path(named) if named else Path(tempfile.gettempdir()) / f"brainalign-{os.getuid()}"


def read_plan() -> dict[str, Any]:
    """Read ``launch.json``, which travels beside the package; empty outside of a job."""
    path = Path(__file__).resolve().parents[2] / PLAN
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def install() -> dict[str, Path]:
    """Make the job's folders on this node and let the platform find them; Ray calls it in every worker process.

    Betas are found through ``BRAINALIGN_DATA``, packages with weights through ``sys.path``, and converted weights go to
    a cache of the node unless ``BRAINALIGN_CACHE`` names another.

    Returns
    -------
    dict
        Folder by the tree's name.

    Raises
    ------
    ClusterError
        A package of the job is not on this node, a file is not what was sent, or the node's folder is another user's.
    """
    root = node_folder()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.lstat().st_uid != os.getuid():  # what stands in it is put on sys.path; a link of another user's is not ours
        raise ClusterError(
            f"expected {root} to be this user's, found another owner: set BRAINALIGN_NODE_FOLDER on the nodes"
        )
    folders = {tree["name"]: assemble(tree, root / "blobs") for tree in read_plan().get("trees", [])}
    if "betas" in folders:
        os.environ["BRAINALIGN_DATA"] = str(folders["betas"])
    if "modules" in folders and str(folders["modules"]) not in sys.path:
        sys.path.append(str(folders["modules"]))  # at the end: what a cluster has installed itself comes first
    os.environ.setdefault("BRAINALIGN_CACHE", str(root / "cache"))
    return folders


def assemble(tree: dict[str, Any], root: Path) -> Path:
    """Make a tree's folder under `root`, named by its content, unless it is there."""
    folder = root / str(tree["key"])
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{tree['key']}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other processes of the node wait for the first
        if folder.is_dir():
            return folder
        temporary = Path(tempfile.mkdtemp(prefix=f".{tree['key']}.", dir=root))
        try:
            for file in tree["files"]:
                _join(file, temporary)
            temporary.chmod(0o755)
            os.replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _join(file: dict[str, Any], folder: Path) -> None:
    target = (folder / file["path"]).resolve()
    if folder.resolve() not in target.parents:
        raise ClusterError(f"expected a path inside the sent folder, found {file['path']}: submit again")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as output:
        for key, index in file["segments"]:
            with (find_package(key) / str(index)).open("rb") as piece:
                while chunk := piece.read(_CHUNK):
                    digest.update(chunk)
                    output.write(chunk)
    if digest.hexdigest() != file["sha256"]:
        raise ClusterError(f"expected {file['path']} as it was sent, found other bytes: submit again")


def find_package(key: str) -> Path:
    """Find an unpacked package among the folders of ``sys.path``.

    Raises
    ------
    ClusterError
        It is in none of them.
    """
    for entry in sys.path:
        folder = Path(entry) / f"{BLOB_PREFIX}{key}"
        if folder.is_dir():
            return folder
    raise ClusterError(f"expected package {BLOB_PREFIX}{key} on this node, found it nowhere: submit again")
