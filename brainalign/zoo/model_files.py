"""The files of a published model: which are needed, whether they are whole, and what they hash to. Needs no torch."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from brainalign.artifacts import file_sha256
from brainalign.errors import ModelError

SIDECAR = "brainalign.json"
CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
WANTED = ("*.safetensors", "*.json", "*.model", "*.jinja", "merges.txt", "vocab.txt", "LICENSE*", "NOTICE*")
# Copies of the weights in other formats that some repositories carry beside the safetensors.
UNWANTED = ("*/*", "consolidated*", ".*", SIDECAR)
_SHA256_LENGTH = 64


@dataclass(frozen=True)
class Sidecar:
    """What is known of a folder of fetched files.

    Attributes
    ----------
    source : str
        Where they came from.
    revision : str
        What was asked for.
    commit : str or None
        The commit that the revision was on the hub; None where the source does not say.
    files : dict of str to (int, str)
        Bytes and SHA-256 of each file.
    """

    source: str
    revision: str
    commit: str | None
    files: dict[str, tuple[int, str]]

    def write(self, folder: Path) -> None:
        """Write it beside the files."""
        files = {name: {"n_bytes": size, "sha256": sha} for name, (size, sha) in sorted(self.files.items())}
        facts = {"source": self.source, "revision": self.revision, "commit": self.commit, "files": files}
        (folder / SIDECAR).write_text(json.dumps(facts, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, text: str, where: str) -> "Sidecar":
        """Read one.

        Raises
        ------
        ModelError
            It is not what :meth:`write` writes.
        """
        try:
            facts = json.loads(text)
            files = {name: (int(row["n_bytes"]), str(row["sha256"])) for name, row in facts["files"].items()}
            return cls(facts["source"], facts["revision"], facts["commit"], files)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"expected {SIDECAR} as `brainalign zoo fetch` writes it in {where}, found {error!r}: fetch again"
            ) from error


def is_wanted(name: str) -> bool:
    """Whether a file of a repository is needed to load the model."""
    return any(fnmatch(name, pattern) for pattern in WANTED) and not any(fnmatch(name, bad) for bad in UNWANTED)


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, as the hub states it; a large file of the hub's cache has it as its name."""
    blob = path.resolve().name
    if path.is_symlink() and len(blob) == _SHA256_LENGTH:
        return blob
    return file_sha256(path)


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``config.json``.

    Raises
    ------
    ModelError
        It is absent or no JSON.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"expected a model's {CONFIG} in {folder}, found {error}: fetch the model again") from error
    return config


def weight_files(folder: Path) -> list[Path]:
    """Safetensors files that hold the weights: those of the index where there is one.

    Raises
    ------
    ModelError
        There are none, or some of the index are missing.
    """
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"expected a weight map in {index}, found {error!r}: fetch the model again") from error
    else:
        names = sorted(path.name for path in folder.glob("model*.safetensors"))
    missing = [name for name in names if not (folder / name).is_file()]
    if not names or missing:
        found = f"no {', '.join(missing)}" if missing else "none"
        raise ModelError(f"expected safetensors weights in {folder}, found {found}: fetch the model again")
    return [folder / name for name in names]


def tensor_names(path: Path) -> set[str]:
    """Names of the tensors of a safetensors file, which must be as long as its header says.

    Raises
    ------
    ModelError
        The file is cut short, or no safetensors file.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if length > size:
                raise ValueError(f"a header of {length} bytes in a file of {size}")
            header = json.loads(handle.read(length))
        header.pop("__metadata__", None)
        expected = 8 + length + max(int(entry["data_offsets"][1]) for entry in header.values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"expected a safetensors file, found {error} in {path}: it is cut short or a git-lfs pointer, fetch again"
        ) from error
    if size != expected:
        raise ModelError(f"expected {expected} bytes in {path}, found {size}: it is cut short, fetch the model again")
    return set(header)


def check_sizes(folder: Path, sidecar: Sidecar) -> None:
    """Compare the sizes of a folder's files with those that were fetched.

    Raises
    ------
    ModelError
        A file is absent or has another size.
    """
    for name, (expected, _) in sidecar.files.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != expected:
            raise ModelError(
                f"expected {expected} bytes in {path}, found {'no file' if found is None else found}: delete the "
                "folder and fetch the model again"
            )


def check_hashes(folder: Path, expected: dict[str, str], names: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Hash files and compare with what is expected of them, where something is.

    Returns
    -------
    dict of str to (int, str)
        Bytes and SHA-256 of each.

    Raises
    ------
    ModelError
        A file hashes to something else. It is deleted, so that the next try fetches it anew.
    """
    found = {}
    for name in sorted(names):
        path = folder / name
        sha = sha256_of(path)
        if sha != expected.get(name, sha):
            path.unlink()
            raise ModelError(
                f"expected {name} with SHA-256 {expected[name]}, found {sha}: it was damaged on the way, fetch again"
            )
        found[name] = (path.stat().st_size, sha)
    return found
